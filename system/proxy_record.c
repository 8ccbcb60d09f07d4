#include "system/proxy_record.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char path_of_system[] = "/var/lib/ccward-system-proxy/state.json",
                  path_of_user[] = "/.local/state/ccward/system-proxy.json";

static const char *path_of(const struct system_proxy *proxy)
{
    return proxy->for_user ? path_of_user : path_of_system;
}

void proxy_record_fini(struct proxy_record *record)
{
    for (size_t i = 0; i < record->change_count; i++) {
        file_image_fini(&record->changes[i].original);
        file_image_fini(&record->changes[i].ours);
    }
    *record = (struct proxy_record){0};
}

struct proxy_change *proxy_record_find(struct proxy_record *record, const struct proxy_place *place)
{
    for (size_t i = 0; i < record->change_count; i++)
        if (record->changes[i].place == place)
            return &record->changes[i];
    return NULL;
}

/* Of the paths only our own are believed, so that a record that was tampered with cannot lead elsewhere. */
static const struct proxy_place *find_place(const char *path, bool for_user)
{
    for (size_t i = 0; i < proxy_place_count; i++)
        if (proxy_places[i].for_user == for_user && !strcmp(proxy_places[i].path, path))
            return &proxy_places[i];
    return NULL;
}

static bool read_changes(json_t *list, bool for_user, struct proxy_record *record)
{
    size_t i;
    json_t *item;
    if (!json_is_array(list) || json_array_size(list) > SYSTEM_PROXY_FILES)
        return false;
    json_array_foreach(list, i, item)
    {
        const char *path;
        int made;
        json_t *original, *ours;
        struct proxy_change *change = &record->changes[record->change_count++];
        if (json_unpack(item, "{s:s, s:i, s:o, s:o}", "path", &path, "made_folders", &made, "original", &original,
                        "ours", &ours) ||
            made < 0 || made > 16 || !(change->place = find_place(path, for_user)) ||
            !file_image_from_json(original, &change->original) || !file_image_from_json(ours, &change->ours))
            return false;
        change->made_folders = (unsigned)made;
    }
    return true;
}

static bool read_gnome(json_t *list, struct proxy_record *record)
{
    const struct text_list none = {0};
    struct proxy_choice choice = {.direct = &none};
    if (json_is_null(list))
        return true;
    if (json_array_size(list) != GNOME_SETTINGS)
        return false;
    record->has_gnome = true;
    proxy_gnome_settings(&choice, record->gnome); /* for the names, which are ours */
    for (size_t i = 0; i < GNOME_SETTINGS; i++) {
        const char *value = json_string_value(json_array_get(list, i));
        if (!value || strlen(value) >= sizeof record->gnome[i].value)
            return false;
        text_copy(record->gnome[i].value, sizeof record->gnome[i].value, str_of(value));
    }
    return true;
}

enum status proxy_record_read(const struct system_proxy *proxy, struct proxy_record *record, struct fault *fault)
{
    struct file_image file;
    const char *text;
    *record = (struct proxy_record){0};
    enum status status = system_file_look(proxy->root, path_of(proxy), &file, fault);
    if (status != ST_OK)
        return status;
    if (file.kind == IMAGE_ABSENT)
        return ST_NOT_FOUND;
    json_t *files, *gnome, *json = json_loadb(file.bytes.data ? file.bytes.data : "", file.bytes.length, 0, NULL);
    if (!json || json_unpack(json, "{s:s, s:o, s:o}", "proxy", &text, "files", &files, "gnome", &gnome) ||
        !read_changes(files, proxy->for_user, record) || !read_gnome(gnome, record)) {
        proxy_record_fini(record);
        status = fault_set(fault, ST_CORRUPT,
                           "%s%s, which says what was changed, is damaged: undo by hand what docs/system-proxy.md "
                           "names, and remove that file",
                           proxy->root, path_of(proxy));
    } else {
        text_printable(record->proxy, sizeof record->proxy, str_of(text));
    }
    json_decref(json);
    file_image_fini(&file);
    return status;
}

static json_t *gnome_json(const struct proxy_record *record)
{
    if (!record->has_gnome)
        return json_null();
    json_t *list = json_array();
    for (size_t i = 0; i < GNOME_SETTINGS; i++)
        json_array_append_new(list, json_string(record->gnome[i].value));
    return list;
}

enum status proxy_record_write(const struct system_proxy *proxy, const struct proxy_record *record, struct fault *fault)
{
    json_t *files = json_array();
    for (size_t i = 0; i < record->change_count; i++) {
        const struct proxy_change *change = &record->changes[i];
        json_array_append_new(files,
                              json_pack("{s:s, s:i, s:o, s:o}", "path", change->place->path, "made_folders",
                                        (int)change->made_folders, "original", file_image_json(&change->original),
                                        "ours", file_image_json(&change->ours)));
    }
    json_t *json = json_pack("{s:i, s:s, s:o, s:o}", "version", 1, "proxy", record->proxy, "files", files, "gnome",
                             gnome_json(record));
    char *text = json && json_array_size(files) == record->change_count ? json_dumps(json, JSON_INDENT(1)) : NULL;
    struct file_image file = {.kind = IMAGE_FILE, .mode = 0644, .uid = geteuid(), .gid = getegid()};
    unsigned made;
    buf_add_text(&file.bytes, text ? text : "");
    enum status status = !text || file.bytes.failed ? fault_set(fault, ST_NOMEM, "out of memory")
                                                    : system_folders_make(proxy->root, path_of(proxy), &made, fault);
    if (status == ST_OK)
        status = system_file_put(proxy->root, path_of(proxy), &file, fault);
    file_image_fini(&file);
    free(text);
    json_decref(json);
    return status;
}

enum status proxy_record_remove(const struct system_proxy *proxy, struct fault *fault)
{
    static const struct file_image none = {0};
    enum status status = system_file_put(proxy->root, path_of(proxy), &none, fault);
    if (status == ST_OK)
        system_folders_remove(proxy->root, path_of(proxy), 1);
    return status;
}
