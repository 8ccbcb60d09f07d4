/* Policies of browsers: a file of our own for Chromium and its kin, a line among others in the one of Firefox. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "system/browser_policies.h"
#include "system/ca_trust.h"
#include "system/system_files.h"

static enum status write_json(const char *path, const json_t *json, struct fault *fault)
{
    char *text = json_dumps(json, JSON_INDENT(2));
    if (!text)
        return fault_set(fault, ST_NOMEM, "out of memory");
    unsigned made;
    enum status status = system_folders_make("", path, &made, fault);
    if (status == ST_OK)
        status = file_replace_public(path, str_of(text), fault);
    free(text);
    return status;
}

static enum status remove_file(const char *path, struct fault *fault)
{
    return unlink(path) == 0 || errno == ENOENT ? ST_OK
                                                : fault_errno(fault, file_status(errno), "it cannot be removed");
}

/* Chromium */

static json_t *chromium_policy(const struct ca_trust *trust)
{
    json_t *policy = NULL;
    struct buf text = {0};
    struct str line, rest = trust->pem;
    while (str_cut(rest, '\n', &line, &rest)) /* PEM without its first and last line is DER in base64 */
        if (!str_starts(line, STR("-----")))
            buf_add(&text, line.data, line.length);
    if (!text.failed && text.length)
        policy = json_pack("{s:[s]}", "CACertificates", buf_text(&text));
    buf_free(&text);
    return policy;
}

static void change_chromium(struct ca_trust *trust, enum trust_change change, const char *settings, struct buf *places)
{
    char file[PATH_MAX], path[PATH_MAX];
    struct fault fault = {0};
    snprintf(file, sizeof file, "%s/policies/managed/ccward-ca-%.8s.json", settings, trust->facts->fingerprint);
    if (!ca_trust_path(trust, file, path, sizeof path))
        return;
    bool there = access(path, F_OK) == 0;
    if (change == TRUST_LOOK) {
        if (there)
            buf_printf(places, "the policy %s\n", path);
        return;
    }
    if (there == (change == TRUST_INSTALL) || !ca_trust_begin(trust, change, path))
        return;
    enum status status = ST_NOMEM;
    json_t *policy = change == TRUST_INSTALL ? chromium_policy(trust) : NULL;
    if (change == TRUST_REMOVE)
        status = remove_file(path, &fault);
    else if (policy)
        status = write_json(path, policy, &fault);
    json_decref(policy);
    if (status != ST_OK)
        ca_trust_failed(trust, path, &fault);
}

/* Firefox */

/* NULL with a fault: the file is there, but is nothing that we can add to. One that is not there is an empty object. */
static json_t *read_policies(const char *path, struct fault *fault)
{
    struct buf text = {0};
    enum status status = file_read(path, SYSTEM_FILE_MAX_BYTES, &text, fault);
    json_t *json = NULL;
    if (status == ST_OK || status == ST_NOT_FOUND)
        json = firefox_policies_parse((struct str){text.data, text.length}, fault);
    buf_free(&text);
    return json;
}

/* Where FILE stands in LIST; its length: nowhere. */
static size_t index_of(const json_t *list, const char *file)
{
    size_t i = 0;
    for (; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text && !strcmp(text, file))
            break;
    }
    return i;
}

/* False: what is there is not of the kind that Firefox takes. */
static bool add_line(json_t *all, const char *file)
{
    json_t *certificates = json_member(json_member(all, "policies", json_object), "Certificates", json_object);
    json_t *list = json_member(certificates, "Install", json_array);
    return json_is_array(list) && json_array_append_new(list, json_string(file)) == 0;
}

/* And what is empty then. */
static void remove_line(json_t *all, const char *file)
{
    json_t *policies = json_object_get(all, "policies"), *certificates = json_object_get(policies, "Certificates");
    json_t *list = json_object_get(certificates, "Install");
    json_array_remove(list, index_of(list, file));
    if (!json_array_size(list))
        json_object_del(certificates, "Install");
    if (!json_object_size(certificates))
        json_object_del(policies, "Certificates");
    if (!json_object_size(policies))
        json_object_del(all, "policies");
}

static bool has_line(const json_t *all, const char *file)
{
    const json_t *list = json_object_get(json_object_get(json_object_get(all, "policies"), "Certificates"), "Install");
    return index_of(list, file) < json_array_size(list);
}

static enum status write_policies(const char *path, json_t *all, enum trust_change change, const char *file,
                                  struct fault *fault)
{
    if (change == TRUST_INSTALL && !add_line(all, file))
        return fault_set(fault, ST_INVALID, "policies.Certificates.Install is no list; put it right first");
    if (change == TRUST_REMOVE)
        remove_line(all, file);
    return json_object_size(all) ? write_json(path, all, fault) : remove_file(path, fault);
}

static void change_firefox(struct ca_trust *trust, enum trust_change change, struct buf *places)
{
    char path[PATH_MAX], file[PATH_MAX];
    struct fault fault = {0};
    if (!ca_trust_path(trust, FIREFOX_POLICIES, path, sizeof path))
        return;
    ca_trust_system_file(trust, file, sizeof file);
    json_t *all = read_policies(path, &fault);
    bool there = all && has_line(all, file);
    if (change == TRUST_LOOK) {
        if (there)
            buf_printf(places, "the policy %s\n", path);
    } else if (!all) {
        ca_trust_failed(trust, path, &fault);
    } else if (there != (change == TRUST_INSTALL) && ca_trust_begin(trust, change, path) &&
               write_policies(path, all, change, file, &fault) != ST_OK) {
        ca_trust_failed(trust, path, &fault);
    }
    json_decref(all);
}

void ca_trust_policies(struct ca_trust *trust, enum trust_change change, struct buf *places)
{
    for (size_t i = 0; i < BROWSER_CHROMIUMS; i++)
        if (chromium_is_there(trust->root, i))
            change_chromium(trust, change, chromium_settings(i), places);
    if (firefox_is_there(trust->root))
        change_firefox(trust, change, places);
}
