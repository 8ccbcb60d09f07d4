/* The configuration: YAML in, one typed structure out. config_schema.c declares every option once. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>

#include "base/buf.h"
#include "console/proxy_pac.h"
#include "dnsfilter/dns_safe_search.h"
#include "dnsfilter/dns_server.h"
#include "feeds/feeds.h"
#include "net/upstream_set.h"
#include "policy/policy.h"
#include "proxy/access_log.h"
#include "proxy/egress.h"

struct addr_list {
    struct addr *items;
    size_t count;
};

struct network_list {
    struct network *items;
    size_t count;
};

struct port_list {
    uint16_t *items;
    size_t count;
};

struct text_list {
    char **items;
    size_t count;
};

struct upstream_list {
    struct upstream_address *items;
    size_t count;
};

struct config_feed {
    char *name, *url, *format;
    struct text_list mirrors;
    int category;   /* enum category */
    int risk;       /* enum risk */
    int action;     /* enum feed_use */
    int own_action; /* of a feed of the file: what that says, whatever was chosen since */
    int match;      /* enum feed_match */
    int retain;     /* enum feed_retain */
    int can_be_empty;
    int zone_answer; /* 1: given */
    uint64_t interval_ms, expire_ms, top, min_confidence, min_feeds, min_feeds_addresses;
    char *key, *key_as, *must_contain;
};

struct config_group {
    char *name;
    struct network_list clients;
    int names, urls, addresses; /* enum part_mode */
    int block_answer;           /* 0: by category; else enum block_answer + 1 */
};

struct config_host {
    char *name;
    struct text_list addresses;
};

enum parent_gets { PARENT_GETS_ADDRESS, PARENT_GETS_NAME };

/* Tells a file from another in its place; zero: there was none. */
struct chosen_stamp {
    struct timespec changed;
    ino_t inode;
};

struct config_forward {
    struct text_list domains;
    struct upstream_list upstreams;
};

/* Times are milliseconds, sizes bytes. */
struct config {
    char *path;      /* the file it was read from; NULL: built-in defaults */
    char *state_dir; /* state.directory as an absolute path */

    struct {
        struct addr_list listen, tls_listen, https_listen, bootstrap;
        struct upstream_list upstreams;
        int upstream_mode; /* enum upstream_mode */
        char *resolv_conf, *upstream_ca;
        char *tls_certificate, *tls_key; /* "": none */
        struct network_list allow_clients;
        uint64_t rate_limit;
        int block_answer[CATEGORY_COUNT]; /* enum block_answer */
        uint64_t block_ttl_ms, query_timeout_ms, upstream_timeout_ms, tcp_idle_ms;
        uint64_t upstream_tries, upstream_channels, max_waiting, max_tcp_clients;
        uint64_t cache_bytes, cache_max_ttl_ms, cache_max_negative_ttl_ms, cache_min_ttl_ms, cache_max_failure_ttl_ms;
        uint64_t stale_for_ms, stale_after_ms, stale_ttl_ms;
        int prefetch; /* 1: yes */
    } dns;

    struct {
        struct addr_list listen;
        struct network_list allow_clients, allow_destinations;
        int private_networks;        /* enum egress_private */
        char *users;                 /* "": no login is asked for */
        char *parent, *parent_login; /* "": none */
        int parent_gets;             /* enum parent_gets */
        struct text_list no_proxy;
        struct port_list connect_ports;
        uint64_t head_timeout_ms, idle_timeout_ms, connect_timeout_ms, response_timeout_ms, tunnel_idle_ms;
        uint64_t max_clients, max_clients_per_address;
        struct addr_list socks_listen, transparent_listen;
        struct port_list socks_ports;
        char *access_log;                  /* "": none */
        int access_format, access_privacy; /* enum access_format, enum access_privacy */
        int pac_fail_open;                 /* 1: yes */
        struct text_list pac_direct;
    } proxy;

    struct {
        struct addr_list listen, tls_listen, address;
        char *contact;
    } blockpage;

    struct {
        struct addr_list listen;
    } console;

    struct {
        char *directory; /* as written */
    } state;

    int categories[CATEGORY_COUNT]; /* enum action */

    struct config_feed *feeds;
    size_t feed_count, own_feed_count; /* own: of the file; behind them stand those that were chosen since */
    struct chosen_stamp chosen_seen;
    struct config_group *groups;
    size_t group_count;
    struct config_forward *forwards;
    size_t forward_count;

    struct {
        char *hosts_file;
        int firefox_canary, block_private_relay, rebinding_protection, strip_ech, strip_h3, safe_search;
        int youtube; /* enum dns_youtube */
        struct text_list rebinding_allow;
    } names;
    struct config_host *hosts;
    size_t host_count;

    struct {
        int level;     /* enum log_level */
        int callbacks; /* 1: yes */
        uint64_t rotate_bytes, rotate_keep, max_lines_per_s;
    } log;

    struct {
        uint64_t workers; /* 0: one per processor, at most 4 */
        uint64_t stop_timeout_ms;
    } daemon;
};

/* What is wrong with a configuration: one line per fault, "FILE:LINE: SECTION.KEY: what". */
struct config_faults {
    struct buf text;
    unsigned errors, warnings;
};
void config_faults_free(struct config_faults *faults);

/* Reads PATH, or with NULL takes the defaults. An unknown key is a warning, as a config may be newer or older than the
 * program; `check-config` makes an error of it. ST_INVALID when there are errors; CONFIG is then freed already. */
enum status config_load(const char *path, struct config *config, struct config_faults *faults) MUST_CHECK;
/* The same from memory; NAME stands for the file in faults and paths. For tests and fuzzing. */
enum status config_load_memory(const char *name, const void *data, size_t n, struct config *config,
                               struct config_faults *faults) MUST_CHECK;
void config_free(struct config *config);

/* The file that a command without -c reads: $CCWARD_CONFIG, ./ccward.yaml, /etc/ccward/ccward.yaml, else NULL. */
const char *config_default_path(void);

/* Prints what is in force as YAML that config_load() reads back to the same. ANNOTATED: each option with its sentence,
 * range and default: ccward.yaml in this repository is that for the defaults. */
void config_print(const struct config *config, bool annotated, FILE *out);

/* Whether AFTER differs from BEFORE in what a running daemon cannot change: all but upstreams and forwards, categories,
 * feeds, groups, names, hosts and log.level. Those options are added to NAMES, with ", " between. */
bool config_needs_restart(const struct config *before, const struct config *after, struct buf *names);
/* Moves what it can change from FROM to INTO. */
void config_take_reloadable(struct config *into, struct config *from);

/* Makes of "SECTION.KEY: what" in FAULT, which showed when what the option names was opened, "FILE:LINE: SECTION.KEY:
 * what", where the file that CONFIG was read from has it. All else stays as it is. */
void config_place_fault(const struct config *config, struct fault *fault);

/* The script for browsers; views of CONFIG. */
struct proxy_pac config_pac(const struct config *config);

/* "1500ms", "10s", "5m", "1h", "7d". */
enum status duration_parse(struct str text, uint64_t *ms) MUST_CHECK;
