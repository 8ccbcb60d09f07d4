/* Policies of browsers: a file of our own for Chromium and its kin, a line among others in the one of Firefox. */
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "daemon/ca_trust.h"

enum { POLICIES_MAX_BYTES = 1 << 20 };

/* The browser is there where one of these is. */
struct browser {
    const char *program, *settings; /* settings: its folder below /etc */
};

static const struct browser chromiums[] = {{"/usr/bin/chromium", "/etc/chromium"},
                                           {"/usr/bin/google-chrome", "/etc/opt/chrome"},
                                           {"/usr/bin/microsoft-edge", "/etc/opt/edge"},
                                           {"/usr/bin/brave-browser", "/etc/brave"}};
static const struct browser firefoxes[] = {{"/usr/bin/firefox-esr", "/etc/firefox"},
                                           {"/usr/bin/firefox", "/etc/firefox"}};
static const char firefox_file[] = "/etc/firefox/policies/policies.json";

/* Makes the folders of PATH that are not there. */
static enum status make_parents(const char *path, struct fault *fault)
{
    char part[PATH_MAX];
    text_copy(part, sizeof part, str_of(path));
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return fault_errno(fault, file_status(errno), "%s cannot be made", part);
        *slash = '/';
    }
    return ST_OK;
}

static enum status write_json(const char *path, const json_t *json, struct fault *fault)
{
    char *text = json_dumps(json, JSON_INDENT(2));
    if (!text)
        return fault_set(fault, ST_NOMEM, "out of memory");
    enum status status = make_parents(path, fault);
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

static void change_chromium(struct ca_trust *trust, enum trust_change change, const char *settings,
                            struct buf *places)
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
    json_error_t error;
    enum status status = file_read(path, POLICIES_MAX_BYTES, &text, fault);
    json_t *json = status == ST_NOT_FOUND ? json_object() : NULL;
    if (status == ST_OK) {
        json = json_loadb(text.data, text.length, JSON_REJECT_DUPLICATES, &error);
        if (!json_is_object(json)) {
            fault_set(fault, ST_INVALID, "line %d: it is no JSON object; put it right first", json ? 1 : error.line);
            json_decref(json);
            json = NULL;
        }
    }
    buf_free(&text);
    return json;
}

static json_t *member(json_t *object, const char *key, json_t *(*make)(void))
{
    json_t *found = json_object_get(object, key);
    if (found)
        return found;
    json_object_set_new(object, key, make());
    return json_object_get(object, key);
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
    json_t *certificates = member(member(all, "policies", json_object), "Certificates", json_object);
    json_t *list = member(certificates, "Install", json_array);
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
    const json_t *list =
        json_object_get(json_object_get(json_object_get(all, "policies"), "Certificates"), "Install");
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
    if (!ca_trust_path(trust, firefox_file, path, sizeof path))
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

static bool is_there(const struct ca_trust *trust, const struct browser *browser)
{
    return ca_trust_has(trust, browser->program) || ca_trust_has(trust, browser->settings);
}

void ca_trust_policies(struct ca_trust *trust, enum trust_change change, struct buf *places)
{
    for (size_t i = 0; i < sizeof chromiums / sizeof chromiums[0]; i++)
        if (is_there(trust, &chromiums[i]))
            change_chromium(trust, change, chromiums[i].settings, places);
    if (is_there(trust, &firefoxes[0]) || is_there(trust, &firefoxes[1]))
        change_firefox(trust, change, places);
}
