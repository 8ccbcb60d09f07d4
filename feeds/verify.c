/* `feeds verify`: whether what lies in the store is as it was written. */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "feeds/feeds.h"
#include "reputation/source_upkeep.h"

struct verify {
    const char *name; /* NULL: all */
    FILE *out;
    json_t *rows; /* NULL: a table */
    unsigned seen, damaged;
};

static uint64_t entries_of(const struct source_info *info)
{
    uint64_t sum = 0;
    for (size_t kind = 0; kind < INDICATOR_KINDS; kind++)
        sum += info->counts[kind];
    return sum;
}

static void print_head(const struct verify *verify)
{
    fprintf(verify->out, "%-24s %10s %10s  %s\n", "NAME", "GENERATION", "ENTRIES", "STATE");
}

static void on_source(void *context, const struct source_info *info, enum status status, const struct fault *fault)
{
    struct verify *verify = context;
    if (verify->name && strcmp(verify->name, info->name))
        return;
    if (!verify->seen++ && !verify->rows)
        print_head(verify);
    verify->damaged += status != ST_OK;
    const char *reason = status == ST_OK ? NULL : fault->text[0] ? fault->text : status_text(status);
    if (verify->rows)
        json_array_append_new(verify->rows,
                              json_pack("{s:s, s:I, s:I, s:I, s:b, s:s*}", "name", info->name, "generation",
                                        (json_int_t)info->generation, "entries", (json_int_t)entries_of(info), "bytes",
                                        (json_int_t)info->size_bytes, "ok", status == ST_OK, "reason", reason));
    else
        fprintf(verify->out, "%-24s %10" PRIu64 " %10" PRIu64 "  %s%s\n", info->name, info->generation,
                entries_of(info), reason ? "DAMAGED: " : "ok", reason ? reason : "");
}

static enum status finish(struct verify *verify)
{
    if (!verify->rows && !verify->seen)
        print_head(verify);
    if (!verify->rows && verify->damaged)
        fprintf(verify->out, "`ccward feeds rebuild NAME` makes a source again from the copy of its list\n");
    if (!verify->rows)
        return ferror(verify->out) ? ST_IO : ST_OK;
    json_t *all = json_pack("{s:O, s:i}", "sources", verify->rows, "damaged", (int)verify->damaged);
    int failed = all ? json_dumpf(all, verify->out, JSON_INDENT(2)) : -1;
    json_decref(all);
    return failed || fputc('\n', verify->out) == EOF ? ST_IO : ST_OK;
}

enum status feeds_verify(const struct feed_site *site, const char *name, bool json, FILE *out, unsigned *damaged,
                         struct fault *fault)
{
    char dir[4096];
    struct fault why = {0};
    struct verify verify = {.name = name, .out = out, .rows = json ? json_array() : NULL};
    int n = snprintf(dir, sizeof dir, "%s/reputation", site->state_dir);
    if (n < 0 || (size_t)n >= sizeof dir)
        return fault_set(fault, ST_TOO_LARGE, "the state directory's path is too long");
    enum status st = source_verify_all(dir, on_source, &verify, &why);
    if (st == ST_NOT_FOUND) /* no store yet */
        st = ST_OK;
    if (st == ST_OK && name && !verify.seen)
        st = fault_set(&why, ST_NOT_FOUND, "there is no source '%s'; `ccward feeds list` shows them", name);
    if (st == ST_OK)
        st = finish(&verify);
    json_decref(verify.rows);
    *damaged = verify.damaged;
    return st == ST_OK ? ST_OK : fault_set(fault, st, "%s", why.text[0] ? why.text : status_text(st));
}
