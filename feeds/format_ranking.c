/* Lists of the most visited names, in order: "RANK,NAME" (Tranco, Cisco Umbrella, Cloudflare Radar), with more columns
 * (Majestic, DomCop), or with the origin before the rank (Chrome UX Report). Names alone are in the order of their
 * lines. */
#include <string.h>

#include "feeds/csv.h"
#include "feeds/format.h"
#include "feeds/indicator_text.h"

static bool is_rank_name(struct str field)
{
    const struct str end = STR("rank");
    return field.length >= end.length && str_eq_nocase(str_from(field, field.length - end.length), end);
}

static bool is_site_name(struct str field)
{
    return str_eq_nocase(field, STR("domain")) || str_eq_nocase(field, STR("origin")) ||
           str_eq_nocase(field, STR("host")) || str_eq_nocase(field, STR("hostname")) ||
           str_eq_nocase(field, STR("site"));
}

/* Notes the columns where FIELDS name them. */
static bool take_header(struct intake *intake, const struct str *fields, size_t count)
{
    size_t rank = 0, site = 0;
    for (size_t i = 0; i < count; i++) {
        rank = !rank && is_rank_name(fields[i]) ? i + 1 : rank;
        site = !site && is_site_name(fields[i]) ? i + 1 : site;
    }
    if (!site || (!rank && count > 1))
        return false;
    intake->state.ranking.rank = rank;
    intake->state.ranking.site = site;
    return true;
}

static void take_site(struct intake *intake, struct str site, struct str line)
{
    struct str host, path = {0};
    const char *scheme = site.length ? memmem(site.data, site.length, "://", 3) : NULL;
    if (scheme)
        site = str_from(site, (size_t)(scheme - site.data) + 3);
    host = site;
    str_cut(site, '/', &host, &path);
    if (!host.length || path.length)
        intake_skip(intake, SKIP_NOT_RULE, line);
    else if (!memchr(host.data, '.', host.length)) /* Umbrella counts questions for "com" too */
        intake_skip(intake, SKIP_TOP_LEVEL, line);
    else
        intake_name_or_network(intake, host);
}

static void take_line(struct intake *intake, struct str line)
{
    struct str fields[CSV_FIELDS];
    uint64_t rank;
    if (format_is_comment(line, "#")) {
        intake_comment(intake);
        return;
    }
    size_t count = csv_split(line, memchr(line.data, '\t', line.length) ? '\t' : ',', fields);
    size_t rank_at = intake->state.ranking.site ? intake->state.ranking.rank : 1;
    size_t site_at = intake->state.ranking.site ? intake->state.ranking.site : 2;
    if (!intake->known_lines && take_header(intake, fields, count))
        intake_comment(intake);
    else if (count == 1 && !intake->state.ranking.rank)
        take_site(intake, fields[0], line);
    else if (count < rank_at || count < site_at ||
             (rank_at && text_u64(fields[rank_at - 1], UINT64_MAX, &rank) != ST_OK))
        intake_skip(intake, SKIP_NOT_RULE, line);
    else
        take_site(intake, fields[site_at - 1], line);
}

const struct format format_ranking = {
    .name = "ranking", .about = "the most visited names, in order: RANK,NAME", .line = take_line};
