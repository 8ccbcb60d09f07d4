#include "feeds/not_list.h"

#include <stdio.h>

#include "feeds/json.h"

static bool is_manifest(json_t *root)
{
    const json_t *about = json_object_iter_value(json_object_iter(root));
    return json_object_get(about, "timestamp") && json_object_get(about, "info") && json_object_get(about, "Orgc");
}

static bool is_taxii_resource(const json_t *root)
{
    return json_object_get(root, "api_roots") || json_object_get(root, "can_read") ||
           json_object_get(json_array_get(json_object_get(root, "collections"), 0), "can_read") ||
           (json_object_get(root, "versions") && json_object_get(root, "max_content_length"));
}

bool not_list_explain(json_t *root, char *out, size_t size)
{
    static const char *const keys[] = {"query_status", "error", "errors", "message", "errormsg", "title"};
    if (is_manifest(root)) {
        snprintf(out, size,
                 "it is the manifest of a MISP feed: set `format: misp-feed`, and as `url` that of its folder");
        return true;
    }
    if (is_taxii_resource(root)) {
        snprintf(out, size,
                 "it describes a TAXII server: set `format: taxii`, and as `url` that of a collection, "
                 ".../collections/ID/");
        return true;
    }
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct str text = json_text(root, keys[i]);
        char shown[160];
        if (!text.length || str_eq(text, STR("ok")))
            continue;
        text_printable(shown, sizeof shown, text);
        snprintf(out, size, "it is JSON, but no list; it says: %s", shown);
        return true;
    }
    return false;
}
