#include "system/ca_trust.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

enum { BUNDLE_MAX_BYTES = 16 << 20 };

static const char updater[] = "/usr/sbin/update-ca-certificates";
static const char local_dir[] = "/usr/local/share/ca-certificates", bundle[] = "/etc/ssl/certs/ca-certificates.crt";

bool ca_trust_path(const struct ca_trust *trust, const char *path, char *out, size_t size)
{
    int n = snprintf(out, size, "%s%s", trust->root, path);
    return n > 0 && (size_t)n < size;
}

bool ca_trust_has(const struct ca_trust *trust, const char *path)
{
    char full[PATH_MAX];
    return ca_trust_path(trust, path, full, sizeof full) && access(full, F_OK) == 0;
}

bool ca_trust_begin(struct ca_trust *trust, enum trust_change change, const char *place)
{
    if (trust->out)
        fprintf(trust->out, "%s%s %s\n", trust->dry_run ? "would be " : "",
                change == TRUST_INSTALL ? "trusted by" : "taken out of", place);
    return !trust->dry_run;
}

void ca_trust_failed(struct ca_trust *trust, const char *place, const struct fault *fault)
{
    trust->failed++;
    fprintf(stderr, "ccward: %s: %s%s\n", place, fault->text, geteuid() ? " (root may be needed)" : "");
}

void ca_trust_system_file(const struct ca_trust *trust, char *out, size_t size)
{
    snprintf(out, size, "%s/ccward-%.8s.crt", local_dir, trust->facts->fingerprint);
}

/* A file in memory, so that it does not matter how much of it is read, or when. */
static int input_file(struct str input)
{
    int fd = memfd_create("input", MFD_CLOEXEC);
    if (fd < 0)
        return -1;
    if (write(fd, input.data, input.length) == (ssize_t)input.length && lseek(fd, 0, SEEK_SET) == 0)
        return fd;
    close(fd);
    return -1;
}

static void become(uid_t user, gid_t group)
{
    if (!geteuid() && user && (setgroups(0, NULL) || setgid(group) || setuid(user)))
        _exit(127);
}

int ca_trust_run(const char *const argv[], struct str input, uid_t user, gid_t group)
{
    int result, fd = input_file(input);
    if (fd < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        become(user, group);
        if (null < 0 || dup2(fd, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
            _exit(127);
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(fd);
    if (pid < 0)
        return -1;
    while (waitpid(pid, &result, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(result) ? WEXITSTATUS(result) : -1;
}

/* The system's store: a file of ours, and Debian's program that puts all of them together. */

static bool update_system(const struct ca_trust *trust, enum trust_change change)
{
    enum { OPTIONS = 5 };
    static const char *const names[OPTIONS] = {"--certsconf", "--certsdir", "--localcertsdir", "--etccertsdir",
                                               "--hooksdir"};
    static const char *const paths[OPTIONS] = {"/etc/ca-certificates.conf", "/usr/share/ca-certificates", local_dir,
                                               "/etc/ssl/certs", "/etc/ca-certificates/update.d"};
    char full[OPTIONS][PATH_MAX];
    const char *argv[2 * OPTIONS + 3] = {updater};
    size_t n = 1;
    for (size_t i = 0; trust->root[0] && i < OPTIONS; i++) {
        if (!ca_trust_path(trust, paths[i], full[i], PATH_MAX))
            return false;
        argv[n++] = names[i];
        argv[n++] = full[i];
    }
    if (change == TRUST_REMOVE)
        argv[n] = "--fresh"; /* else its links to what is gone stay */
    return ca_trust_run(argv, (struct str){"", 0}, 0, 0) == 0;
}

/* Debian's bundle is the certificates' files one after the other. */
static bool system_trusts(const struct ca_trust *trust)
{
    char path[PATH_MAX];
    struct buf all = {0};
    struct str body = str_trim(trust->pem);
    bool found = ca_trust_path(trust, bundle, path, sizeof path) &&
                 file_read(path, BUNDLE_MAX_BYTES, &all, NULL) == ST_OK && body.length &&
                 memmem(all.data, all.length, body.data, body.length);
    buf_free(&all);
    return found;
}

static enum status change_file(const struct ca_trust *trust, enum trust_change change, const char *path,
                               struct fault *fault)
{
    char dir[PATH_MAX];
    if (change == TRUST_INSTALL) { /* the folder is Debian's, but may have been removed with the last file in it */
        if (ca_trust_path(trust, local_dir, dir, sizeof dir))
            mkdir(dir, 0755);
        return file_replace_public(path, trust->pem, fault);
    }
    if (unlink(path) == 0 || errno == ENOENT)
        return ST_OK;
    return fault_errno(fault, file_status(errno), "it cannot be removed");
}

static void change_system(struct ca_trust *trust, enum trust_change change)
{
    char file[PATH_MAX], path[PATH_MAX];
    struct fault fault = {0};
    ca_trust_system_file(trust, file, sizeof file);
    if (!ca_trust_path(trust, file, path, sizeof path))
        return;
    bool there = access(path, F_OK) == 0;
    if (there == (change == TRUST_INSTALL) && system_trusts(trust) == there)
        return;
    if (!ca_trust_begin(trust, change, path))
        return;
    enum status status = change_file(trust, change, path, &fault);
    if (status == ST_OK && (!update_system(trust, change) || system_trusts(trust) != (change == TRUST_INSTALL)))
        status = fault_set(&fault, ST_IO, "%s has not changed %s: run it by hand to see why", updater, bundle);
    if (status != ST_OK)
        ca_trust_failed(trust, path, &fault);
}

void ca_trust_install(struct ca_trust *trust)
{
    change_system(trust, TRUST_INSTALL);
    ca_trust_nss(trust, TRUST_INSTALL, NULL);
    ca_trust_policies(trust, TRUST_INSTALL, NULL);
}

/* Policies first: they name the system's file. */
void ca_trust_remove(struct ca_trust *trust)
{
    ca_trust_policies(trust, TRUST_REMOVE, NULL);
    ca_trust_nss(trust, TRUST_REMOVE, NULL);
    change_system(trust, TRUST_REMOVE);
}

void ca_trust_places(struct ca_trust *trust, struct buf *places)
{
    if (system_trusts(trust))
        buf_printf(places, "the system: %s%s\n", trust->root, bundle);
    ca_trust_nss(trust, TRUST_LOOK, places);
    ca_trust_policies(trust, TRUST_LOOK, places);
}
