#include "tests/replay/replay_names.h"

#include "base/check.h"
#include "tests/replay/script.h"

enum { MAX_DOMAINS = 8 };

static struct dname forwarded[MAX_DOMAINS];
static struct dns_names_settings settings = {.forwarded = forwarded};

static void add_domain(struct dname *domains, size_t *count, struct str text)
{
    script_need(*count < MAX_DOMAINS && dname_from_text(text, &domains[*count]) == ST_OK, "not a name");
    ++*count;
}

void replay_names_setting(struct str words)
{
    for (struct str word, value; (word = script_word(&words)).length;) {
        if (str_eq(word, STR("canary")))
            settings.firefox_canary = true;
        else if (str_eq(word, STR("private-relay")))
            settings.block_private_relay = true;
        else if (script_option(word, "forward", &value))
            add_domain(forwarded, &settings.forwarded_count, value);
        else
            script_fail("unknown word of names", "");
    }
}

void replay_names_reset(void)
{
    settings = (struct dns_names_settings){.forwarded = forwarded};
}

struct dns_names *replay_names_make(void)
{
    struct dns_names *names = dns_names_new(&settings);
    CHECK(names);
    return names;
}
