#include "daemon/ca_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static void path_of(const char *state_dir, const char *name, char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s/%s", state_dir, name);
}

/* A key without a certificate was left by one who was killed in between: nobody has seen it. */
static enum status write_pair(const char *state_dir, struct str certificate, struct str key, struct fault *fault)
{
    char path[PATH_MAX];
    struct stat st;
    path_of(state_dir, CA_CERTIFICATE, path);
    if (!lstat(path, &st))
        return fault_set(fault, ST_EXISTS,
                         "there is an authority already: %s. Where another one is wanted, first `ccward ca untrust`, "
                         "then remove %s and " CA_KEY " beside it",
                         path, path);
    path_of(state_dir, CA_KEY, path);
    enum status status = file_replace_private(path, key, fault);
    path_of(state_dir, CA_CERTIFICATE, path);
    return status == ST_OK ? file_replace(path, certificate, fault) : status;
}

enum status ca_files_make(const char *state_dir, const char *const *excluded, size_t excluded_count,
                          struct fault *fault)
{
    struct buf certificate = {0}, key = {0};
    if (mkdir(state_dir, 0750) != 0 && errno != EEXIST)
        return fault_errno(fault, file_status(errno), "the state directory %s cannot be made", state_dir);
    int folder = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || flock(folder, LOCK_EX)) { /* of two at once the second finds what the first has made */
        enum status status = fault_errno(fault, file_status(errno), "%s", state_dir);
        if (folder >= 0)
            close(folder);
        return status;
    }
    enum status status = authority_make(excluded, excluded_count, &certificate, &key, fault);
    if (status == ST_OK)
        status = write_pair(state_dir, (struct str){certificate.data, certificate.length},
                            (struct str){key.data, key.length}, fault);
    if (key.data)
        explicit_bzero(key.data, key.length);
    buf_free(&key);
    buf_free(&certificate);
    close(folder);
    return status;
}

enum status ca_files_read(const char *state_dir, struct buf *pem, struct authority_facts *facts, struct fault *fault)
{
    char path[PATH_MAX];
    struct fault why = {0};
    path_of(state_dir, CA_CERTIFICATE, path);
    enum status status = file_read(path, AUTHORITY_PEM_MAX, pem, &why);
    if (status == ST_NOT_FOUND)
        return fault_set(fault, status, "there is no authority in %s: `ccward ca init` makes one", state_dir);
    if (status != ST_OK)
        return fault_set(fault, status, "%s", why.text);
    status = authority_facts_read((struct str){pem->data, pem->length}, facts, &why);
    return status == ST_OK ? ST_OK : fault_set(fault, status, "%s: %s", path, why.text);
}

enum status ca_files_check_key(const char *path, struct fault *fault)
{
    struct stat st;
    if (lstat(path, &st))
        return fault_errno(fault, file_status(errno), "%s", path);
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        return fault_set(fault, ST_DENIED,
                         "%s is open to others (mode %04o): chmod 600 it, or make a new authority where they may have "
                         "read it",
                         path, (unsigned)(st.st_mode & 07777));
    return ST_OK;
}

enum status ca_files_open(const char *state_dir, struct authority **authority, struct fault *fault)
{
    char path[PATH_MAX];
    struct buf certificate = {0}, key = {0};
    struct authority_facts facts = {0};
    struct fault why = {0};
    enum status status = ca_files_read(state_dir, &certificate, &facts, fault);
    authority_facts_fini(&facts);
    path_of(state_dir, CA_KEY, path);
    if (status == ST_OK)
        status = ca_files_check_key(path, fault);
    if (status == ST_OK)
        status = file_read(path, AUTHORITY_PEM_MAX, &key, fault);
    if (status == ST_OK) {
        status = authority_new((struct str){certificate.data, certificate.length}, (struct str){key.data, key.length},
                               authority, &why);
        if (status != ST_OK)
            fault_set(fault, status, "%s: %s", path, why.text);
    }
    if (key.data)
        explicit_bzero(key.data, key.length);
    buf_free(&key);
    buf_free(&certificate);
    return status;
}
