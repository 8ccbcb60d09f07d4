#include "system/system_image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {[IMAGE_ABSENT] = "absent", [IMAGE_FILE] = "file", [IMAGE_LINK] = "link"};

const char *image_kind_text(enum image_kind kind)
{
    return kinds[kind];
}

json_t *file_image_json(const struct file_image *image)
{
    struct buf hex = {0};
    for (size_t i = 0; i < image->bytes.length; i++)
        buf_printf(&hex, "%02x", (unsigned)(uint8_t)image->bytes.data[i]);
    json_t *json =
        hex.failed ? NULL
                   : json_pack("{s:s, s:s, s:i, s:I, s:I}", "kind", kinds[image->kind], "bytes", buf_text(&hex), "mode",
                               (int)image->mode, "uid", (json_int_t)image->uid, "gid", (json_int_t)image->gid);
    buf_free(&hex);
    return json;
}

bool file_image_from_json(json_t *json, struct file_image *image)
{
    const char *kind, *bytes;
    int mode, found = -1;
    json_int_t uid, gid;
    if (json_unpack(json, "{s:s, s:s, s:i, s:I, s:I}", "kind", &kind, "bytes", &bytes, "mode", &mode, "uid", &uid,
                    "gid", &gid))
        return false;
    for (int i = IMAGE_ABSENT; i <= IMAGE_LINK; i++)
        if (!strcmp(kind, kinds[i]))
            found = i;
    if (found < 0 || strlen(bytes) % 2 || mode < 0 || mode > 07777)
        return false;
    *image =
        (struct file_image){.kind = (enum image_kind)found, .mode = (mode_t)mode, .uid = (uid_t)uid, .gid = (gid_t)gid};
    for (; *bytes; bytes += 2) {
        int high = hex_value(bytes[0]), low = hex_value(bytes[1]);
        if (high < 0 || low < 0)
            return false;
        buf_add_char(&image->bytes, (char)(high << 4 | low));
    }
    return !image->bytes.failed;
}

enum status system_file_change_init(struct system_file_change *change, const char *path,
                                    const struct file_image *before, const struct file_image *after, bool foreign)
{
    *change = (struct system_file_change){.path = path, .foreign = foreign};
    enum status status = file_image_copy(before, &change->before);
    return status == ST_OK ? file_image_copy(after, &change->after) : status;
}

void system_file_change_fini(struct system_file_change *change)
{
    file_image_fini(&change->before);
    file_image_fini(&change->after);
}

static json_t *text_json(struct str text)
{
    char *safe = malloc(text.length * 4 + 1);
    if (safe)
        text_printable(safe, text.length * 4 + 1, text);
    json_t *json = json_stringn(text.data ? text.data : "", text.length); /* NULL where it is no UTF-8 */
    if (!json && safe)
        json = json_string(safe);
    free(safe);
    return json;
}

json_t *system_file_change_json(const struct system_file_change *change)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:b, s:b}", "path", change->path, "was", kinds[change->before.kind],
                     "becomes", kinds[change->after.kind], "content",
                     text_json((struct str){change->after.bytes.data, change->after.bytes.length}), "changes",
                     !file_image_equal(&change->before, &change->after), "foreign", change->foreign);
}

static void print_content(const struct file_image *image)
{
    struct str line, rest = {image->bytes.data, image->bytes.length};
    char safe[1200];
    while (rest.length) {
        line = rest;
        struct str after = {0};
        str_cut(rest, '\n', &line, &after);
        text_printable(safe, sizeof safe, line);
        printf("    %s\n", safe);
        rest = after;
    }
}

void system_file_change_print(const struct system_file_change *change, bool dry_run)
{
    if (file_image_equal(&change->before, &change->after)) {
        printf("  %s is left as it is\n", change->path);
        return;
    }
    const char *would = dry_run ? "would " : "";
    if (change->after.kind == IMAGE_ABSENT) {
        printf("  %s%s %s\n", would, dry_run ? "remove" : "removed", change->path);
        return;
    }
    printf("  %s%s %s, %s %s\n", would, dry_run ? "write" : "wrote", change->path,
           change->before.kind == IMAGE_ABSENT ? "which is not there yet, as a" : "in place of what is there, as a",
           kinds[change->after.kind]);
    if (dry_run)
        print_content(&change->after);
}
