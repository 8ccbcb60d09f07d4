#include "config/config_schema.h"

#include <string.h>

#include "base/log.h"
#include "feeds/transfer_url.h"
#include "proxy/origin_parent.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The words come from those who own them; here they only get one signature. */
#define DEFINE_WORDS(name, text, type, count)                                                                          \
    static const char *name##_text(int value)                                                                          \
    {                                                                                                                  \
        return text((type)value);                                                                                      \
    }                                                                                                                  \
    static const struct words name = {name##_text, count}

static const char *mode_text(enum part_mode mode)
{
    static const char *const texts[] = {[PART_OFF] = "off", [PART_LOG] = "log", [PART_BLOCK] = "block"};
    return texts[mode];
}

static const char *level_text(enum log_level level)
{
    static const char *const texts[] = {"error", "warning", "info", "debug"};
    return texts[level];
}

static const char *parent_gets_text(enum parent_gets what)
{
    return what == PARENT_GETS_NAME ? "name" : "address";
}

static const char *private_text(enum egress_private who)
{
    static const char *const texts[] = {
        [EGRESS_THIS_MACHINE] = "this-machine", [EGRESS_EVERYONE] = "everyone", [EGRESS_NOBODY] = "nobody"};
    return texts[who];
}

DEFINE_WORDS(answers, block_answer_text, enum block_answer, BLOCK_DROP + 1);
DEFINE_WORDS(actions, action_text, enum action, ACTION_BLOCK + 1);
DEFINE_WORDS(parent_tells, parent_gets_text, enum parent_gets, PARENT_GETS_NAME + 1);
DEFINE_WORDS(private_reach, private_text, enum egress_private, EGRESS_NOBODY + 1);
DEFINE_WORDS(modes, mode_text, enum part_mode, PART_BLOCK + 1);
DEFINE_WORDS(risks, risk_text, enum risk, RISK_HIGH + 1);
DEFINE_WORDS(access_formats, access_format_text, enum access_format, ACCESS_COMBINED + 1);
DEFINE_WORDS(access_privacies, access_privacy_text, enum access_privacy, ACCESS_ANONYMOUS + 1);
DEFINE_WORDS(levels, level_text, enum log_level, LOG_LEVEL_DEBUG + 1);
static const char *yes_text(int value)
{
    return value ? "yes" : "no";
}

static const struct words yes_no = {yes_text, 2};

static const char *group_answer_text(int value)
{
    return value ? block_answer_text((enum block_answer)(value - 1)) : "category";
}

static const struct words group_answers = {group_answer_text, BLOCK_DROP + 2};

static const char *zone_answer_text(int value)
{
    return value ? "given" : "configured";
}

static const struct words zone_answers = {zone_answer_text, 2};
DEFINE_WORDS(uses, feed_use_text, enum feed_use, FEED_GUARDS + 1);
DEFINE_WORDS(matches, feed_match_text, enum feed_match, FEED_MATCH_EXACT + 1);
DEFINE_WORDS(retains, feed_retain_text, enum feed_retain, FEED_RETAIN_WINDOW + 1);
DEFINE_WORDS(youtube_modes, dns_youtube_text, enum dns_youtube, DNS_YOUTUBE_STRICT + 1);
DEFINE_WORDS(categories, category_text, enum category, CATEGORY_COUNT);
DEFINE_WORDS(upstream_modes, upstream_mode_text, enum upstream_mode, UPSTREAM_PARALLEL + 1);

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR, MIB = 1 << 20 };

#define AT(member) offsetof(struct config, member)

static enum status check_path(struct str text, const char *example, struct fault *why)
{
    return !text.length || text.data[0] == '/'
               ? ST_OK
               : fault_set(why, ST_INVALID, "'%.*s' is no whole path: write it from the root, like %s",
                           (int)text.length, text.data, example);
}

#define DEFINE_PATH(name, example)                                                                                     \
    static enum status check_##name(struct str text, struct fault *why)                                                \
    {                                                                                                                  \
        return check_path(text, example, why);                                                                         \
    }

DEFINE_PATH(certificate, "/etc/ccward/tls.pem")
DEFINE_PATH(key, "/etc/ccward/tls.key")
DEFINE_PATH(authorities, "/etc/ssl/certs/ca-certificates.crt")
DEFINE_PATH(resolv_conf, "/etc/resolv.conf")
DEFINE_PATH(users, "/etc/ccward/users")
DEFINE_PATH(access_log, "/var/log/ccward/access.log")
DEFINE_PATH(hosts_file, "/etc/hosts")

static const struct config_option dns_options[] = {
    {"listen", OPTION_ADDRESSES, AT(dns.listen), "127.0.0.1:5335", 53, 64, NULL,
     "Addresses to answer DNS queries at, by UDP and TCP; an empty list turns the DNS side off."},
    {"tls-listen", OPTION_ADDRESSES, AT(dns.tls_listen), "", 853, 16, NULL,
     "Addresses to answer DNS over TLS (DoT) at; needs `tls-certificate` and `tls-key`."},
    {"https-listen", OPTION_ADDRESSES, AT(dns.https_listen), "", 443, 16, NULL,
     "Addresses to answer DNS over HTTPS (DoH) at, under the path /dns-query; needs the same."},
    {"tls-certificate", OPTION_TEXT, AT(dns.tls_certificate), "", 0, 4000, NULL,
     "The file of the certificate for both (PEM, the server's own first, then its chain); read again on SIGHUP.",
     check_certificate},
    {"tls-key", OPTION_TEXT, AT(dns.tls_key), "", 0, 4000, NULL,
     "The file of its key (PEM, without a passphrase), which nobody but its owner and group may read.", check_key},
    {"allow-clients", OPTION_NETWORKS, AT(dns.allow_clients),
     "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16, fc00::/7, fe80::/10", 0, 256, NULL,
     "Networks whose clients are answered, besides this machine itself; queries of all others are dropped."},
    {"rate-limit", OPTION_COUNT, AT(dns.rate_limit), "1000", 0, 1000000, NULL,
     "Answers a second by UDP that each worker gives one network (/24, /56) but this machine; above it clients are "
     "sent "
     "to TCP. 0: no limit, and none for the size of answers either."},
    {"upstreams", OPTION_UPSTREAMS, AT(dns.upstreams), "", 0, UPSTREAM_MAX_SERVERS, NULL,
     "DNS servers that everything not blocked is asked of; empty: those of this machine."},
    {"upstream-mode", OPTION_WORD, AT(dns.upstream_mode), "ordered", 0, 0, &upstream_modes,
     "Which of several is asked: the first that works, the one that answers fastest, or three at once."},
    {"bootstrap", OPTION_ADDRESSES, AT(dns.bootstrap), "", 53, UPSTREAM_MAX_SERVERS, NULL,
     "DNS servers that the names of tls:// and https:// upstreams are asked of; empty: those of this machine."},
    {"upstream-ca", OPTION_TEXT, AT(dns.upstream_ca), "", 0, 4000, NULL,
     "A file of certificates (PEM) of those who may vouch for tls:// and https:// upstreams; empty: this machine's.",
     check_authorities},
    {"resolv-conf", OPTION_TEXT, AT(dns.resolv_conf), "/etc/resolv.conf", 1, 4000, NULL,
     "The file that names the DNS servers of this machine; it is read again when it changes.", check_resolv_conf},
    {"block-answer", OPTION_BY_CATEGORY, AT(dns.block_answer), "page", 0, 0, &answers,
     "How a blocked name is answered, by its category; `page` gives the block page's address."},
    {"block-ttl", OPTION_DURATION, AT(dns.block_ttl_ms), "10s", 0, DAY, NULL,
     "How long clients may keep the answer for a blocked name; short, so that an approval acts soon."},
    {"query-timeout", OPTION_DURATION, AT(dns.query_timeout_ms), "5s", 100, MINUTE, NULL,
     "A query that no upstream has answered by then is answered SERVFAIL."},
    {"upstream-timeout", OPTION_DURATION, AT(dns.upstream_timeout_ms), "1500ms", 50, 30 * SECOND, NULL,
     "How long one try at one upstream may take."},
    {"upstream-tries", OPTION_COUNT, AT(dns.upstream_tries), "3", 1, 10, NULL,
     "How many tries a query gets over all upstreams."},
    {"upstream-channels", OPTION_COUNT, AT(dns.upstream_channels), "256", 1, 4096, NULL,
     "Queries each worker may have under way to the upstreams at once, each from a port of its own."},
    {"max-waiting", OPTION_COUNT, AT(dns.max_waiting), "10000", 1, 1000000, NULL,
     "Clients' queries each worker lets wait for an upstream at once."},
    {"tcp-idle", OPTION_DURATION, AT(dns.tcp_idle_ms), "10s", 100, 10 * MINUTE, NULL,
     "A TCP connection without a query for so long is closed."},
    {"max-tcp-clients", OPTION_COUNT, AT(dns.max_tcp_clients), "256", 1, 65536, NULL,
     "TCP connections each worker serves at once."},
    {"cache-size", OPTION_SIZE, AT(dns.cache_bytes), "8MiB", 0, (uint64_t)4096 * MIB, NULL,
     "Memory for answers kept, shared by all workers; 0 keeps none."},
    {"cache-max-ttl", OPTION_DURATION, AT(dns.cache_max_ttl_ms), "1d", SECOND, 7 * DAY, NULL,
     "The longest that an answer is kept, whatever its TTL says."},
    {"cache-max-negative-ttl", OPTION_DURATION, AT(dns.cache_max_negative_ttl_ms), "3h", SECOND, DAY, NULL,
     "The longest that \"there is no such name\" is kept."},
    {"cache-min-ttl", OPTION_DURATION, AT(dns.cache_min_ttl_ms), "0s", 0, HOUR, NULL,
     "The shortest that an answer is kept and served, whatever its TTL says; 0: what its TTL says."},
    {"cache-max-failure-ttl", OPTION_DURATION, AT(dns.cache_max_failure_ttl_ms), "5m", SECOND, 5 * MINUTE, NULL,
     "A question that fails is not asked again for 5 s, and twice as long each time that it fails, up to this."},
    {"stale-for", OPTION_DURATION, AT(dns.stale_for_ms), "1d", 0, 7 * DAY, NULL,
     "How long an answer whose time is up may still be given when no upstream has a newer one; 0: not at all."},
    {"stale-after", OPTION_DURATION, AT(dns.stale_after_ms), "1800ms", 0, 30 * SECOND, NULL,
     "How long the upstreams have before such an answer is given; 0: it is given at once, and a newer one asked for."},
    {"stale-ttl", OPTION_DURATION, AT(dns.stale_ttl_ms), "30s", SECOND, HOUR, NULL, "The TTL of such an answer."},
    {"prefetch", OPTION_WORD, AT(dns.prefetch), "yes", 0, 0, &yes_no,
     "Ask anew for an answer that is asked for in the last tenth of its time, so that it is always at hand."},
};

static enum status check_secret_place(struct str text, struct fault *why)
{
    bool named = str_starts(text, STR("env:")) && text.length > 4;
    bool file = str_starts(text, STR("file:/")) && text.length > 6;
    return !text.length || named || file
               ? ST_OK
               : fault_set(why, ST_INVALID,
                           "'%.*s' is no place of a key: write env:NAME for a variable of the environment or "
                           "file:/PATH for a file",
                           (int)text.length, text.data);
}

static enum status check_parent(struct str text, struct fault *why)
{
    struct origin_parent parent = {0};
    return text.length ? origin_parent_parse(text, &parent, why) : ST_OK;
}

static enum status check_no_proxy(struct str text, struct fault *why)
{
    struct network network;
    struct dname domain;
    return origin_parent_parse_direct(text, &network, &domain, why);
}

static const char *pac_text(int value)
{
    return value ? "fail-open" : "fail-closed";
}

static const struct words pac_modes = {pac_text, 2};

static enum status check_pac_domain(struct str text, struct fault *why)
{
    return proxy_pac_domain(text) ? ST_OK
                                  : fault_set(why, ST_INVALID, "'%.*s' is no domain: write it like lan or home.example",
                                              (int)text.length, text.data);
}

static const struct config_option proxy_options[] = {
    {"listen", OPTION_ADDRESSES, AT(proxy.listen), "127.0.0.1:3128", 3128, 64, NULL,
     "Addresses of the HTTP proxy; an empty list turns it off."},
    {"allow-clients", OPTION_NETWORKS, AT(proxy.allow_clients), "", 0, 256, NULL,
     "Networks whose clients may use the proxy, besides this machine itself; without any it listens on loopback "
     "alone."},
    {"users", OPTION_TEXT, AT(proxy.users), "", 0, 4000, NULL,
     "A file of those who may use the proxy, as `htpasswd -B` writes it (bcrypt, SHA-512 or yescrypt), read again on "
     "SIGHUP; empty: no login is asked for.",
     check_users},
    {"private-networks", OPTION_WORD, AT(proxy.private_networks), "this-machine", 0, 0, &private_reach,
     "Who may reach private networks (10/8, 172.16/12, 192.168/16, 100.64/10, fc00::/7, ...) through the proxy."},
    {"allow-destinations", OPTION_NETWORKS, AT(proxy.allow_destinations), "", 0, 256, NULL,
     "Private, loopback and link-local networks that every client may reach through the proxy."},
    {"connect-ports", OPTION_PORTS, AT(proxy.connect_ports), "443", 1, 64, NULL, "Ports that CONNECT may ask for."},
    {"parent", OPTION_TEXT, AT(proxy.parent), "", 0, 300, NULL,
     "A proxy that all servers are reached through: http://HOST:PORT or socks5://HOST:PORT; empty: none.",
     check_parent},
    {"parent-login", OPTION_TEXT, AT(proxy.parent_login), "", 0, 1000, NULL,
     "Where its USER:PASSWORD is: env:NAME, or file:/PATH of a file that only its owner can read.", check_secret_place},
    {"parent-gets", OPTION_WORD, AT(proxy.parent_gets), "address", 0, 0, &parent_tells,
     "What it is told of a server: the address that was judged, or the name, for one that decides by names or alone "
     "can "
     "look them up."},
    {"no-proxy", OPTION_TEXTS, AT(proxy.no_proxy), "", 0, 256, NULL,
     "Domains (with all below them), addresses and networks that are reached directly all the same.", check_no_proxy},
    {"head-timeout", OPTION_DURATION, AT(proxy.head_timeout_ms), "10s", 100, 10 * MINUTE, NULL,
     "A request head must be whole by then, counted from its first byte."},
    {"idle-timeout", OPTION_DURATION, AT(proxy.idle_timeout_ms), "1m", 100, HOUR, NULL,
     "A client's connection without a request for so long is closed."},
    {"connect-timeout", OPTION_DURATION, AT(proxy.connect_timeout_ms), "10s", 100, 2 * MINUTE, NULL,
     "How long connecting to an origin may take, over all its addresses."},
    {"response-timeout", OPTION_DURATION, AT(proxy.response_timeout_ms), "2m", 100, HOUR, NULL,
     "How long an origin may take to begin its answer, and pause within it."},
    {"tunnel-idle", OPTION_DURATION, AT(proxy.tunnel_idle_ms), "10m", SECOND, DAY, NULL,
     "A tunnel without traffic for so long is closed."},
    {"max-clients", OPTION_COUNT, AT(proxy.max_clients), "10000", 1, 1000000, NULL,
     "Client connections served at once; fewer where the limit of open files has no room for so many."},
    {"max-clients-per-address", OPTION_COUNT, AT(proxy.max_clients_per_address), "256", 1, 1000000, NULL,
     "Client connections served at once for one address."},
    {"socks-listen", OPTION_ADDRESSES, AT(proxy.socks_listen), "", 1080, 16, NULL,
     "Addresses of the SOCKS proxy (5, 4a and 4), which sees host and port but no URL; empty: none."},
    {"socks-ports", OPTION_PORTS, AT(proxy.socks_ports), "80, 443", 1, 64, NULL, "Ports that SOCKS may ask for."},
    {"transparent-listen", OPTION_ADDRESSES, AT(proxy.transparent_listen), "", 3129, 16, NULL,
     "Addresses that the firewall redirects connections to web servers to (docs/transparent.md); empty: none."},
    {"access-log", OPTION_TEXT, AT(proxy.access_log), "", 0, 4000, NULL,
     "A file that gets a line for each request; empty: none is kept.", check_access_log},
    {"access-log-format", OPTION_WORD, AT(proxy.access_format), "json", 0, 0, &access_formats,
     "What its lines are: JSON, or the combined format of web servers."},
    {"access-log-privacy", OPTION_WORD, AT(proxy.access_privacy), "no-query", 0, 0, &access_privacies,
     "What its lines tell: all; URLs without what follows `?`; hosts alone; or hosts, of networks of clients."},
    {"pac", OPTION_WORD, AT(proxy.pac_fail_open), "fail-closed", 0, 0, &pac_modes,
     "What browsers that are set up by /proxy.pac do when the proxy does not answer: fail, or go without it, "
     "unwatched."},
    {"pac-direct", OPTION_TEXTS, AT(proxy.pac_direct), "local, lan, home.arpa, internal", 0, 64, NULL,
     "Domains, with all below them, that such browsers, and `ccward system-proxy`, reach without the proxy; private "
     "addresses are in any case.",
     check_pac_domain},
};

static const struct config_option blockpage_options[] = {
    {"listen", OPTION_ADDRESSES, AT(blockpage.listen), "127.0.0.1:8080", 80, 16, NULL,
     "Addresses of the block page's own HTTP server, for browsers that blocked names lead to it by DNS; empty: none."},
    {"tls-listen", OPTION_ADDRESSES, AT(blockpage.tls_listen), "127.0.0.1:8443", 443, 16, NULL,
     "The same for https; without a certificate that the browser trusts, the contact is recorded and ended."},
    {"address", OPTION_ADDRESSES, AT(blockpage.address), "", 1, 16, NULL,
     "Addresses that the answer `page` gives for a blocked name; empty: those of `listen`."},
    {"contact", OPTION_TEXT, AT(blockpage.contact), "", 0, 200, NULL,
     "Whom the page tells people to ask: a name, a telephone number or a mail address."},
};

static const struct config_option console_options[] = {
    {"listen", OPTION_ADDRESSES, AT(console.listen), "127.0.0.1:8053", 8053, 16, NULL,
     "Addresses of /healthz and /proxy.pac; an empty list turns them off."},
};

static const struct config_option state_options[] = {
    {"directory", OPTION_TEXT, AT(state.directory), "var", 1, 4000, NULL,
     "Where the store, the callback log and the state are kept; relative to the folder of this file."},
};

static const struct config_option category_options[] = {
    {"categories", OPTION_BY_CATEGORY, AT(categories), "block, newly-seen: log, parked: log, dynamic-dns: log", 0, 0,
     &actions, ""},
};

static enum status check_feed_name(struct str text, struct fault *why)
{
    if (!source_name_valid(text))
        return fault_set(why, ST_INVALID,
                         "'%.*s' is no name for a feed: use lower-case letters, digits, '.', '_' and '-'",
                         (int)text.length, text.data);
    if (str_eq(text, STR("test-hosts")) || str_eq(text, STR("user")))
        return fault_set(why, ST_INVALID, "'%.*s' is a name of ccward's own", (int)text.length, text.data);
    return ST_OK;
}

static bool is_feed_url(struct str url)
{
    static const struct str schemes[] = {{"http://", 7}, {"https://", 8}, {"file:///", 8}};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        struct str rest = str_from(url, schemes[i].length);
        if (str_starts(url, schemes[i]) && rest.length && rest.data[0] != '/' && !memchr(rest.data, ' ', rest.length))
            return true;
    }
    return false;
}

static enum status check_transfer_url(struct str text, struct fault *why)
{
    struct transfer_url url;
    struct fault detail = {0};
    enum status status = transfer_url_parse(text, &url, &detail);
    return status == ST_OK ? ST_OK
                           : fault_set(why, status, "'%.*s' is no address of a transfer: %s", (int)text.length,
                                       text.data, detail.text);
}

static enum status check_feed_url(struct str text, struct fault *why)
{
    if (transfer_url_is(text))
        return check_transfer_url(text, why);
    return is_feed_url(text)
               ? ST_OK
               : fault_set(why, ST_INVALID,
                           "'%.*s' is no address of a feed: it starts with http://, https://, file:///, axfr:// or "
                           "ixfr:// and has no blanks",
                           (int)text.length, text.data);
}

static enum status check_feed_format(struct str text, struct fault *why)
{
    if (str_eq(text, STR("auto")) || feed_format_known(text))
        return ST_OK;
    return fault_set(why, ST_INVALID, "'%.*s' is no format; there are: auto, %s", (int)text.length, text.data,
                     feed_format_names());
}

static enum status check_feed_key_as(struct str text, struct fault *why)
{
    return feed_key_as_valid(text) ? ST_OK
                                   : fault_set(why, ST_INVALID,
                                               "'%.*s' is no way to send a key: write `header NAME`, `query NAME`, "
                                               "`bearer` or `basic`",
                                               (int)text.length, text.data);
}

const struct config_option config_feed_options[] = {
    {"name", OPTION_TEXT, offsetof(struct config_feed, name), NULL, 1, SOURCE_NAME_SIZE - 1, NULL,
     "What the feed is called in logs and lists: lower-case letters, digits, '.', '_' and '-'.", check_feed_name},
    {"url", OPTION_TEXT, offsetof(struct config_feed, url), NULL, 1, 2000, NULL,
     "Where it is fetched from: http, https, file, or a policy zone by axfr or ixfr.", check_feed_url},
    {"format", OPTION_TEXT, offsetof(struct config_feed, format), "auto", 1, 31, NULL,
     "Its format; docs/feeds.md lists them.", check_feed_format},
    {"category", OPTION_WORD, offsetof(struct config_feed, category), "c2", 0, 0, &categories,
     "What its entries are, where the feed does not say."},
    {"interval", OPTION_DURATION, offsetof(struct config_feed, interval_ms), "1h", 5 * MINUTE, 30 * (uint64_t)DAY, NULL,
     "How often it is fetched."},
    {"risk", OPTION_WORD, offsetof(struct config_feed, risk), "high", 0, 0, &risks,
     "How bad a contact with its entries is."},
    {"action", OPTION_WORD, offsetof(struct config_feed, action), "block", 0, 0, &uses,
     "What its entries do: `monitor` records what would be blocked; `allow` exempts from all feeds; `guard` lists what "
     "no other feed may block."},
    {"mirrors", OPTION_TEXTS, offsetof(struct config_feed, mirrors), "", 0, 8, NULL,
     "Other addresses of the same list, tried in this order when `url` fails.", check_feed_url},
    {"key", OPTION_TEXT, offsetof(struct config_feed, key), "", 0, 1000, NULL,
     "Where its key, its password or, of a zone, its TSIG key is: env:NAME, or file:/PATH of a file that only its "
     "owner "
     "can read.",
     check_secret_place},
    {"key-as", OPTION_TEXT, offsetof(struct config_feed, key_as), "header Auth-Key", 1, 100, NULL,
     "How the key is sent: `header NAME`, `query NAME`, `bearer`, or `basic` for user:password.", check_feed_key_as},
    {"match", OPTION_WORD, offsetof(struct config_feed, match), "subtree", 0, 0, &matches,
     "Whether a name stands for all below it as well; formats that say so themselves keep it."},
    {"retain", OPTION_WORD, offsetof(struct config_feed, retain), "snapshot", 0, 0, &retains,
     "`snapshot`: what the feed no longer lists is gone; `window`: it stays until it expires."},
    {"expire", OPTION_DURATION, offsetof(struct config_feed, expire_ms), "0s", 0, 3650 * (uint64_t)DAY, NULL,
     "How long an entry acts after the feed listed it last, where the feed does not say; 0s: of `window` feeds the "
     "default of its kind, of others as long as it is listed."},
    {"top", OPTION_COUNT, offsetof(struct config_feed, top), "0", 0, 100 * 1000 * 1000, NULL,
     "Only so many entries from its start are taken; 0: all."},
    {"min-confidence", OPTION_COUNT, offsetof(struct config_feed, min_confidence), "0", 0, 100, NULL,
     "Entries that the feed itself is less sure of (percent) are only recorded."},
    {"min-feeds", OPTION_COUNT, offsetof(struct config_feed, min_feeds), "1", 1, 10, NULL,
     "So many sources must list a name or URL before this feed's entry blocks it."},
    {"min-feeds-addresses", OPTION_COUNT, offsetof(struct config_feed, min_feeds_addresses), "1", 1, 10, NULL,
     "The same for addresses; 2 suits lists that a community gathers."},
    {"can-be-empty", OPTION_WORD, offsetof(struct config_feed, can_be_empty), "no", 0, 0, &yes_no,
     "Whether the feed without entries, or with far fewer than before, is to be believed."},
    {"must-contain", OPTION_TEXT, offsetof(struct config_feed, must_contain), "", 0, 200, NULL,
     "A text that the list must have in its first 64 KiB, or it is refused."},
    {"zone-answer", OPTION_WORD, offsetof(struct config_feed, zone_answer), "configured", 0, 0, &zone_answers,
     "How DNS answers what a policy zone blocks: as `dns.block-answer` has it for the category, or as the zone itself "
     "gives it, its local data and addresses included."},
};
const size_t config_feed_option_count = COUNT_OF(config_feed_options);

static const struct config_option group_options[] = {
    {"name", OPTION_TEXT, offsetof(struct config_group, name), NULL, 1, GROUP_NAME_SIZE - 1, NULL,
     "What the group is called; `default` is the group of all clients that no other names."},
    {"clients", OPTION_NETWORKS, offsetof(struct config_group, clients), "", 0, 256, NULL,
     "Addresses and networks of its clients."},
    {"names", OPTION_WORD, offsetof(struct config_group, names), "block", 0, 0, &modes,
     "What happens to names that the store lists, in DNS and in the proxy."},
    {"urls", OPTION_WORD, offsetof(struct config_group, urls), "block", 0, 0, &modes,
     "What happens to listed URLs, in the proxy."},
    {"addresses", OPTION_WORD, offsetof(struct config_group, addresses), "log", 0, 0, &modes,
     "What happens to listed addresses: a contact by address is only logged, unless you set this to block."},
    {"block-answer", OPTION_WORD, offsetof(struct config_group, block_answer), "category", 0, 0, &group_answers,
     "How DNS answers what is blocked; `category`: as `dns.block-answer` has it."},
};

static enum status check_own_domain(struct str text, struct fault *why)
{
    struct dname name;
    return dname_from_text(text, &name) == ST_OK && name.labels
               ? ST_OK
               : fault_set(why, ST_INVALID, "'%.*s' is no domain: write it like lan or home.example", (int)text.length,
                           text.data);
}

static const struct config_option names_options[] = {
    {"hosts-file", OPTION_TEXT, AT(names.hosts_file), "/etc/hosts", 0, 4000, NULL,
     "A file of addresses and their names (hosts(5)), read again when it changes; empty: none.", check_hosts_file},
    {"firefox-canary", OPTION_WORD, AT(names.firefox_canary), "yes", 0, 0, &yes_no,
     "Whether Firefox is told, by use-application-dns.net, to keep to this resolver."},
    {"block-private-relay", OPTION_WORD, AT(names.block_private_relay), "yes", 0, 0, &yes_no,
     "Whether Apple's devices are told that Private Relay, which would pass this resolver by, is not to be had."},
    {"rebinding-protection", OPTION_WORD, AT(names.rebinding_protection), "yes", 0, 0, &yes_no,
     "Whether private and loopback addresses are taken out of answers from upstream, which would lead browsers into "
     "the local network."},
    {"rebinding-allow", OPTION_TEXTS, AT(names.rebinding_allow), "", 0, 256, NULL,
     "Domains, with all below them, that may have such addresses: plex.direct, the router's own, DNS blocklists.",
     check_own_domain},
    {"strip-ech", OPTION_WORD, AT(names.strip_ech), "no", 0, 0, &yes_no,
     "Whether Encrypted Client Hello is taken out of HTTPS records, so that the proxy sees which host is meant."},
    {"strip-h3", OPTION_WORD, AT(names.strip_h3), "no", 0, 0, &yes_no,
     "Whether HTTP/3 is taken out of HTTPS records, so that browsers begin with TCP."},
    {"safe-search", OPTION_WORD, AT(names.safe_search), "no", 0, 0, &yes_no,
     "Whether Google, Bing and DuckDuckGo are made to search without what is not for children."},
    {"youtube", OPTION_WORD, AT(names.youtube), "open", 0, 0, &youtube_modes,
     "What YouTube shows: all, or what its moderate or strict restricted mode lets through."},
};

static enum status check_host_name(struct str text, struct fault *why)
{
    struct dname name;
    bool below = str_starts(text, STR("*."));
    return dname_from_text(str_from(text, below ? 2 : 0), &name) == ST_OK && name.labels
               ? ST_OK
               : fault_set(why, ST_INVALID, "'%.*s' is no name: write it like nas.home.arpa, or *.dev.example",
                           (int)text.length, text.data);
}

static enum status check_ip(struct str text, struct fault *why)
{
    struct addr addr;
    return addr_parse_ip(text, &addr) == ST_OK
               ? ST_OK
               : fault_set(why, ST_INVALID, "'%.*s' is no address: write it like 192.168.1.5 or fd00::5",
                           (int)text.length, text.data);
}

static const struct config_option host_options[] = {
    {"name", OPTION_TEXT, offsetof(struct config_host, name), NULL, 1, 1000, NULL,
     "The name; *.NAME stands for all names below one.", check_host_name},
    {"addresses", OPTION_TEXTS, offsetof(struct config_host, addresses), NULL, 1, 16, NULL,
     "Its addresses, of both families; they lead back to the name.", check_ip},
};

static enum status check_domain(struct str text, struct fault *why)
{
    struct dname name;
    if (dname_from_text(text, &name) != ST_OK)
        return fault_set(why, ST_INVALID,
                         "'%.*s' is no domain: write it like lan, home.example or 168.192.in-addr.arpa",
                         (int)text.length, text.data);
    if (!name.labels)
        return fault_set(why, ST_INVALID, "the servers for all names stand in dns.upstreams");
    return ST_OK;
}

static const struct config_option forward_options[] = {
    {"domains", OPTION_TEXTS, offsetof(struct config_forward, domains), NULL, 0, 64, NULL,
     "Domains, with all below them; the longest that fits a name holds.", check_domain},
    {"upstreams", OPTION_UPSTREAMS, offsetof(struct config_forward, upstreams), NULL, 0, UPSTREAM_MAX_SERVERS, NULL,
     "The DNS servers that their names are asked of."},
};

static const struct config_option log_options[] = {
    {"level", OPTION_WORD, AT(log.level), "info", 0, 0, &levels, "How much the program says about itself."},
    {"callbacks", OPTION_WORD, AT(log.callbacks), "yes", 0, 0, &yes_no,
     "Whether contacts are recorded. With no, nobody can tell which machine called: no log, no incidents, and the page "
     "takes each contact for the first."},
    {"rotate-size", OPTION_SIZE, AT(log.rotate_bytes), "64MiB", 64 << 10, (uint64_t)65536 * MIB, NULL,
     "A callback log over this size is put aside and a new one begun."},
    {"rotate-keep", OPTION_COUNT, AT(log.rotate_keep), "4", 0, 1000, NULL, "How many of those are kept."},
    {"max-lines", OPTION_COUNT, AT(log.max_lines_per_s), "500", 1, 100000, NULL,
     "Lines a second that the callback log may grow by; a flood beyond it is summed up, with exact counts."},
};

static const struct config_option daemon_options[] = {
    {"workers", OPTION_COUNT, AT(daemon.workers), "0", 0, 64, NULL,
     "Threads that serve DNS and HTTP; 0: one per processor, at most 4."},
    {"stop-timeout", OPTION_DURATION, AT(daemon.stop_timeout_ms), "5s", 0, 5 * MINUTE, NULL,
     "How long requests under way may go on when the daemon is asked to stop."},
};

#define OPTIONS(table) (table), COUNT_OF(table)

const struct section config_sections[] = {
    {.name = "dns", .help = "The DNS side: names in, answers out.", OPTIONS(dns_options)},
    {.name = "proxy", .help = "The HTTP proxy.", OPTIONS(proxy_options)},
    {.name = "blockpage", .help = "The page that people see instead.", OPTIONS(blockpage_options)},
    {.name = "console", .help = "For programs that watch or set up ccward.", OPTIONS(console_options)},
    {.name = "state", .help = "What ccward writes, it writes here.", OPTIONS(state_options)},
    {.name = "categories",
     .help = "What a listed entry leads to, by its category; `default` is for those not named.",
     OPTIONS(category_options),
     .is_map = true},
    {.name = "feeds",
     .help = "Lists to fetch. Each becomes a source of the reputation store.",
     OPTIONS(config_feed_options),
     .item_size = sizeof(struct config_feed),
     .items_offset = AT(feeds),
     .count_offset = AT(feed_count)},
    {.name = "groups",
     .help = "Clients that are treated differently. The first group that names a client holds.",
     OPTIONS(group_options),
     .item_size = sizeof(struct config_group),
     .items_offset = AT(groups),
     .count_offset = AT(group_count)},
    {.name = "forwards",
     .help =
         "Domains that other DNS servers than dns.upstreams are asked about, such as the router for the local network.",
     OPTIONS(forward_options),
     .item_size = sizeof(struct config_forward),
     .items_offset = AT(forwards),
     .count_offset = AT(forward_count)},
    {.name = "names", .help = "Names that ccward answers itself.", OPTIONS(names_options)},
    {.name = "hosts",
     .help = "Names of your own and their addresses.",
     OPTIONS(host_options),
     .item_size = sizeof(struct config_host),
     .items_offset = AT(hosts),
     .count_offset = AT(host_count)},
    {.name = "log", .help = "The log of the program and the callback log.", OPTIONS(log_options)},
    {.name = "daemon", .help = "The process itself.", OPTIONS(daemon_options)},
};
const size_t config_section_count = COUNT_OF(config_sections);

const struct config_option *section_option(const struct section *section, struct str key)
{
    for (size_t i = 0; i < section->option_count; i++)
        if (str_eq(str_of(section->options[i].key), key))
            return &section->options[i];
    return NULL;
}
