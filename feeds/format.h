/* The formats of feeds: one small file each, behind one table. */
#pragma once

#include <jansson.h>

#include "feeds/intake.h"

struct format {
    const char *name, *about;
    const char *starts; /* characters that a file of this format may start with although they are no text list's */
    /* Either of a list: one line, without its end, trimmed of blanks. */
    void (*line)(struct intake *intake, struct str line);
    /* Of a list whose lines speak of others: each line as above, in a reading before. May be NULL. */
    void (*survey)(struct intake *intake, struct str line);
    /* After the last line or document: hands in what was held back, frees what the state holds. May be NULL. */
    void (*finish)(struct intake *intake);
    /* Or of JSON: whether a document is of this format, by how it is built; and all of its entries, each announced by
     * json_entry(). */
    bool (*knows)(json_t *root);
    void (*document)(struct intake *intake, json_t *root);
    void (*survey_document)(struct intake *intake, json_t *root); /* in a reading before; may be NULL */
    bool own_match; /* its rules say themselves whether they mean what is below a name, whatever the feed is set to */
};

extern const struct format format_adblock, format_bind, format_dnscrypt_ips, format_dnscrypt_names, format_dnsmasq,
    format_domains, format_feodo, format_feodo_json, format_hosts, format_ioc_csv, format_ips, format_ipsum,
    format_maltrail, format_misp, format_misp_feed, format_mixed, format_phishtank, format_phishtank_json,
    format_ranking, format_rpz, format_spamhaus, format_sslbl, format_stix, format_taxii, format_threatfox,
    format_threatfox_json, format_unbound, format_urlhaus, format_urlhaus_json, format_urls, format_warninglist,
    format_wildcard;

size_t format_count(void);
const struct format *format_at(size_t index);
/* NULL: none of that name. */
const struct format *format_find(struct str name);

/* How well FORMAT reads SAMPLE, the beginning of a file: percent of the lines with content that it finds an entry in.
 * -1: there is no such line. */
int format_score(const struct format *format, struct str sample, char separator);
/* The format with the best score, the first in the table of several; NULL under 50. *EMPTY: SAMPLE is
 * but comments to one of them. */
const struct format *format_detect(struct str sample, char separator, bool *empty);

/* The format of a JSON document; NULL: none. */
const struct format *format_detect_document(json_t *root);

/* Hands one line to FORMAT, which is one of lines: looks at what is common to all of them first. */
void format_take_line(const struct format *format, struct intake *intake, struct str line);
/* Hands one document to FORMAT, which is one of JSON. */
void format_take_document(const struct format *format, struct intake *intake, json_t *root);
/* The same as for lines, in the reading before, where FORMAT has one. */
void format_survey_line(const struct format *format, struct intake *intake, struct str line);
/* After the last line or document, also where the reading has failed. */
void format_finish(const struct format *format, struct intake *intake);

/* Helpers that several formats share. */
/* Whether LINE is a comment by its first character. */
bool format_is_comment(struct str line, const char *markers);
/* LINE without a comment that starts with one of MARKERS after a blank. */
struct str format_without_comment(struct str line, const char *markers);
/* The same; the comment becomes what the line's record refers to. */
struct str format_take_comment(struct intake *intake, struct str line, const char *markers);
