#include "system/system_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name, *path;
} managers[] = {
    [MANAGER_RESOLVED] = {"systemd-resolved", "/etc/systemd/resolved.conf.d/ccward.conf"},
    [MANAGER_NETWORKMANAGER] = {"networkmanager", "/etc/NetworkManager/conf.d/ccward.conf"},
    [MANAGER_RESOLVCONF] = {"resolvconf", NULL},
    [MANAGER_PLAIN] = {"plain", "/etc/resolv.conf"},
};

const char *system_manager_text(enum system_manager manager)
{
    return managers[manager].name;
}

enum status system_manager_parse(struct str text, enum system_manager *manager)
{
    for (int i = 0; i < MANAGERS; i++)
        if (str_eq(text, str_of(managers[i].name))) {
            *manager = (enum system_manager)i;
            return ST_OK;
        }
    return ST_INVALID;
}

const char *system_manager_path(enum system_manager manager)
{
    return managers[manager].path;
}

void system_state_fini(struct system_state *state)
{
    for (size_t i = 0; i < state->change_count; i++) {
        file_image_fini(&state->changes[i].original);
        file_image_fini(&state->changes[i].ours);
        file_image_fini(&state->changes[i].previous);
    }
    *state = (struct system_state){0};
}

/* Of the paths only our own are believed, so that a file that was tampered with cannot lead elsewhere. */
static bool read_changes(json_t *list, struct system_state *state)
{
    size_t i;
    json_t *item;
    const char *ours = system_manager_path(state->manager);
    if (!json_is_array(list) || json_array_size(list) > SYSTEM_MAX_CHANGES)
        return false;
    json_array_foreach(list, i, item)
    {
        const char *path;
        int made;
        struct system_change *change = &state->changes[state->change_count++];
        json_t *original, *written, *previous = NULL;
        if (json_unpack(item, "{s:s, s:b, s:o, s:o, s?o}", "path", &path, "made_folder", &made, "original", &original,
                        "ours", &written, "previous", &previous) ||
            !ours || strcmp(path, ours) != 0 || !file_image_from_json(original, &change->original) ||
            !file_image_from_json(written, &change->ours) ||
            (previous && !file_image_from_json(previous, &change->previous)))
            return false;
        change->path = ours;
        change->made_folder = made;
    }
    return true;
}

enum status system_state_read(const char *root, struct system_state *state, struct fault *fault)
{
    struct file_image file;
    *state = (struct system_state){0};
    enum status status = system_file_look(root, SYSTEM_STATE_PATH, &file, fault);
    if (status != ST_OK)
        return status;
    if (file.kind == IMAGE_ABSENT)
        return ST_NOT_FOUND;
    int fail_closed, in_force;
    const char *manager;
    json_t *files, *json = json_loadb(file.bytes.data ? file.bytes.data : "", file.bytes.length, 0, NULL);
    if (!json ||
        json_unpack(json, "{s:s, s:b, s:b, s:o}", "manager", &manager, "fail_closed", &fail_closed, "in_force",
                    &in_force, "files", &files) ||
        system_manager_parse(str_of(manager), &state->manager) != ST_OK || !read_changes(files, state)) {
        system_state_fini(state);
        status = fault_set(fault, ST_CORRUPT,
                           "%s%s, which says what was changed, is damaged: undo by hand what docs/system-dns.md names, "
                           "and remove that file",
                           root, SYSTEM_STATE_PATH);
    } else {
        state->fail_closed = fail_closed;
        state->in_force = in_force;
    }
    json_decref(json);
    file_image_fini(&file);
    return status;
}

enum status system_state_write(const char *root, const struct system_state *state, struct fault *fault)
{
    json_t *files = json_array();
    for (size_t i = 0; i < state->change_count; i++) {
        const struct system_change *change = &state->changes[i];
        json_array_append_new(files, json_pack("{s:s, s:b, s:o, s:o, s:o}", "path", change->path, "made_folder",
                                               change->made_folder, "original", file_image_json(&change->original),
                                               "ours", file_image_json(&change->ours), "previous",
                                               file_image_json(&change->previous)));
    }
    json_t *json = json_pack("{s:i, s:s, s:b, s:b, s:o}", "version", 1, "manager", system_manager_text(state->manager),
                             "fail_closed", state->fail_closed, "in_force", state->in_force, "files", files);
    char *text = json && json_array_size(files) == state->change_count ? json_dumps(json, JSON_INDENT(1)) : NULL;
    struct file_image file = {.kind = IMAGE_FILE, .mode = 0644, .uid = geteuid(), .gid = getegid()};
    buf_add_text(&file.bytes, text ? text : "");
    enum status status = !text || file.bytes.failed ? fault_set(fault, ST_NOMEM, "out of memory")
                                                    : system_folder_make(root, SYSTEM_STATE_PATH, fault);
    if (status == ST_OK)
        status = system_file_put(root, SYSTEM_STATE_PATH, &file, fault);
    file_image_fini(&file);
    free(text);
    json_decref(json);
    return status;
}

enum status system_state_remove(const char *root, struct fault *fault)
{
    static const struct file_image none = {0};
    enum status status = system_file_put(root, SYSTEM_STATE_PATH, &none, fault);
    if (status == ST_OK)
        system_folder_remove(root, SYSTEM_STATE_PATH);
    return status;
}
