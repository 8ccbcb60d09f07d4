#include "tests/replay/replay_names.h"

#include "base/buf.h"
#include "base/check.h"
#include "tests/replay/script.h"

enum { MAX_DOMAINS = 8, MAX_HOSTS = 64 };

static struct dname forwarded[MAX_DOMAINS], allowed[MAX_DOMAINS];
static struct dns_names_host hosts[MAX_HOSTS];
static struct buf hosts_file;
static struct dns_names_settings settings;

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
        else if (str_eq(word, STR("no-rebinding-protection")))
            settings.rebinding_protection = false;
        else if (str_eq(word, STR("safe-search")))
            settings.safe_search = true;
        else if (str_eq(word, STR("youtube-moderate")))
            settings.youtube = DNS_YOUTUBE_MODERATE;
        else if (str_eq(word, STR("youtube-strict")))
            settings.youtube = DNS_YOUTUBE_STRICT;
        else if (str_eq(word, STR("strip-ech")))
            settings.strip_ech = true;
        else if (str_eq(word, STR("strip-h3")))
            settings.strip_h3 = true;
        else if (script_option(word, "forward", &value))
            add_domain(forwarded, &settings.forwarded_count, value);
        else if (script_option(word, "private", &value))
            add_domain(allowed, &settings.rebinding_allowed_count, value);
        else
            script_fail("unknown word of names", "");
    }
}

void replay_names_host(struct str words)
{
    struct str text = script_word(&words);
    struct dns_names_host host = {.below = str_starts(text, STR("*."))};
    script_need(dname_from_text(str_from(text, host.below ? 2 : 0), &host.name) == ST_OK, "not a name");
    for (struct str word; (word = script_word(&words)).length;) {
        script_need(settings.host_count < MAX_HOSTS, "too many hosts");
        host.addr = script_address(word);
        hosts[settings.host_count++] = host;
    }
}

void replay_names_hosts_line(struct str line)
{
    buf_add(&hosts_file, line.data, line.length);
    buf_add_char(&hosts_file, '\n');
}

void replay_names_reset(void)
{
    settings = (struct dns_names_settings){
        .hosts = hosts, .forwarded = forwarded, .rebinding_protection = true, .rebinding_allowed = allowed};
    buf_free(&hosts_file);
}

struct dns_names *replay_names_make(void)
{
    struct hosts_file_facts facts;
    settings.hosts_file = (struct str){hosts_file.data, hosts_file.length};
    struct dns_names *names = dns_names_new(&settings, &facts);
    CHECK(names);
    return names;
}
