#include "dnsfilter/dns_safe_search.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What stands behind "www.google." */
static const char *const google[] = {
    "com",    "ac",     "ad",     "ae",     "com.af", "com.ag", "com.ai", "al",     "am",     "co.ao",  "com.ar",
    "as",     "at",     "com.au", "az",     "ba",     "com.bd", "be",     "bf",     "bg",     "com.bh", "bi",
    "bj",     "com.bn", "com.bo", "com.br", "bs",     "bt",     "co.bw",  "by",     "com.bz", "ca",     "cat",
    "cc",     "cd",     "cf",     "cg",     "ch",     "ci",     "co.ck",  "cl",     "cm",     "cn",     "com.co",
    "co.cr",  "com.cu", "cv",     "com.cy", "cz",     "de",     "dj",     "dk",     "dm",     "com.do", "dz",
    "com.ec", "ee",     "com.eg", "es",     "com.et", "fi",     "com.fj", "fm",     "fr",     "ga",     "ge",
    "gf",     "gg",     "com.gh", "com.gi", "gl",     "gm",     "gp",     "gr",     "com.gt", "gy",     "com.hk",
    "hn",     "hr",     "ht",     "hu",     "co.id",  "ie",     "co.il",  "im",     "co.in",  "io",     "iq",
    "is",     "it",     "je",     "com.jm", "jo",     "co.jp",  "co.ke",  "com.kh", "ki",     "kg",     "co.kr",
    "com.kw", "kz",     "la",     "com.lb", "com.lc", "li",     "lk",     "co.ls",  "lt",     "lu",     "lv",
    "com.ly", "co.ma",  "md",     "me",     "mg",     "mk",     "ml",     "com.mm", "mn",     "ms",     "com.mt",
    "mu",     "mv",     "mw",     "com.mx", "com.my", "co.mz",  "com.na", "ne",     "com.nf", "com.ng", "com.ni",
    "nl",     "no",     "com.np", "nr",     "nu",     "co.nz",  "com.om", "com.pa", "com.pe", "com.pg", "com.ph",
    "com.pk", "pl",     "pn",     "com.pr", "ps",     "pt",     "com.py", "com.qa", "ro",     "rs",     "ru",
    "rw",     "com.sa", "com.sb", "sc",     "se",     "com.sg", "sh",     "si",     "sk",     "com.sl", "sm",
    "sn",     "so",     "sr",     "st",     "com.sv", "td",     "tg",     "co.th",  "com.tj", "tk",     "tl",
    "tm",     "tn",     "to",     "com.tr", "tt",     "com.tw", "co.tz",  "com.ua", "co.ug",  "co.uk",  "com.uy",
    "co.uz",  "com.vc", "co.ve",  "vg",     "co.vi",  "com.vn", "vu",     "ws",     "co.za",  "co.zm",  "co.zw",
};

static const struct pair {
    const char *name, *target;
} engines[] = {
    {"www.bing.com", "strict.bing.com"},
    {"duckduckgo.com", "safe.duckduckgo.com"},
    {"www.duckduckgo.com", "safe.duckduckgo.com"},
    {"start.duckduckgo.com", "safe.duckduckgo.com"},
};

static const char *const youtube_names[] = {
    "www.youtube.com", "m.youtube.com", "youtubei.googleapis.com", "youtube.googleapis.com", "www.youtube-nocookie.com",
};

const char *dns_youtube_text(enum dns_youtube mode)
{
    static const char *const texts[] = {"open", "moderate", "strict"};
    return texts[mode];
}

static bool give(dns_safe_search_fn *take, void *arg, const char *name, const char *target)
{
    struct dname from, to;
    return dname_from_text(str_of(name), &from) == ST_OK && dname_from_text(str_of(target), &to) == ST_OK &&
           take(arg, &from, &to);
}

bool dns_safe_search_each(bool search, enum dns_youtube youtube, dns_safe_search_fn *take, void *arg)
{
    const char *restricted = youtube == DNS_YOUTUBE_STRICT ? "restrict.youtube.com" : "restrictmoderate.youtube.com";
    bool ok = true;
    for (size_t i = 0; ok && search && i < COUNT(google); i++) {
        char name[32];
        snprintf(name, sizeof name, "www.google.%s", google[i]);
        ok = give(take, arg, name, "forcesafesearch.google.com");
    }
    for (size_t i = 0; ok && search && i < COUNT(engines); i++)
        ok = give(take, arg, engines[i].name, engines[i].target);
    for (size_t i = 0; ok && youtube != DNS_YOUTUBE_OPEN && i < COUNT(youtube_names); i++)
        ok = give(take, arg, youtube_names[i], restricted);
    return ok;
}
