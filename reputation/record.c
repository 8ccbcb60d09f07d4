#include "reputation/record.h"

#include "base/check.h"

static const char *const category_texts[CATEGORY_COUNT] = {
    [CATEGORY_C2] = "c2",
    [CATEGORY_MALWARE] = "malware",
    [CATEGORY_RANSOMWARE] = "ransomware",
    [CATEGORY_PHISHING] = "phishing",
    [CATEGORY_DGA] = "dga",
    [CATEGORY_TUNNEL] = "tunnel",
    [CATEGORY_FAST_FLUX] = "fast-flux",
    [CATEGORY_CRYPTOMINING] = "cryptomining",
    [CATEGORY_SCAM] = "scam",
    [CATEGORY_GRAYWARE] = "grayware",
    [CATEGORY_SUSPICIOUS] = "suspicious",
    [CATEGORY_PROXY] = "proxy",
    [CATEGORY_NEWLY_SEEN] = "newly-seen",
    [CATEGORY_PARKED] = "parked",
    [CATEGORY_DYNAMIC_DNS] = "dynamic-dns",
    [CATEGORY_ADULT] = "adult",
    [CATEGORY_ADS] = "ads",
    [CATEGORY_TRACKING] = "tracking",
    [CATEGORY_OTHER] = "other",
};

static const char *const risk_texts[] = {[RISK_LOW] = "low", [RISK_MEDIUM] = "medium", [RISK_HIGH] = "high"};
enum { RISK_COUNT = sizeof risk_texts / sizeof risk_texts[0] };

static int index_of(struct str text, const char *const *texts, int count)
{
    for (int i = 0; i < count; i++)
        if (str_eq(text, str_of(texts[i])))
            return i;
    return -1;
}

const char *category_text(enum category category)
{
    CHECK((unsigned)category < CATEGORY_COUNT);
    return category_texts[category];
}

enum status category_parse(struct str text, enum category *category)
{
    int index = index_of(text, category_texts, CATEGORY_COUNT);
    if (index < 0)
        return ST_INVALID;
    *category = (enum category)index;
    return ST_OK;
}

const char *risk_text(enum risk risk)
{
    CHECK((unsigned)risk < RISK_COUNT);
    return risk_texts[risk];
}

enum status risk_parse(struct str text, enum risk *risk)
{
    int index = index_of(text, risk_texts, RISK_COUNT);
    if (index < 0)
        return ST_INVALID;
    *risk = (enum risk)index;
    return ST_OK;
}
