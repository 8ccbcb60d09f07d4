/* The queue of reports. What is read must be written such that it reads to the same. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "callbacks/report_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_list(const struct report_list *list, struct buf *out)
{
    for (size_t i = 0; i < list->count; i++) {
        json_t *json = report_entry_json(&list->entries[i]);
        CHECK(json);
        char *line = json_dumps(json, JSON_COMPACT);
        CHECK(line);
        buf_printf(out, "%s\n", line);
        free(line);
        json_decref(json);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct report_list list, again;
    struct buf first = {0}, second = {0};
    list.count = again.count = 0;
    list.next_number = again.next_number = 1;
    if (report_list_parse(&list, (struct str){(const char *)data, size}, "file", NULL) == ST_OK) {
        write_list(&list, &first);
        CHECK(report_list_parse(&again, (struct str){first.data, first.length}, "file", NULL) == ST_OK);
        write_list(&again, &second);
        CHECK(first.length == second.length && (!first.length || !memcmp(first.data, second.data, first.length)));
    }
    buf_free(&first);
    buf_free(&second);
    return 0;
}
