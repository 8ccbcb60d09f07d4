#include "daemon/names_watch.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

enum { MAX_HOSTS_FILE_BYTES = 16 << 20, SETTLE_MS = 200 /* an editor may write in steps */ };

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static struct stat look(const struct config *config)
{
    struct stat st;
    const char *path = config->names.hosts_file;
    return path[0] && stat(path, &st) == 0 ? st : (struct stat){0};
}

/* Followed where it is a link, as some systems have it. That there is none is no fault. */
static void read_hosts_file(const char *path, struct buf *text)
{
    struct fault fault = {0};
    char *real = path[0] ? realpath(path, NULL) : NULL;
    if (real && file_read(real, MAX_HOSTS_FILE_BYTES, text, &fault) != ST_OK) {
        log_warning("names.hosts-file: %s is not used: %s", path, fault.text);
        buf_clear(text);
    }
    free(real);
}

static void tell(const char *path, const struct hosts_file_facts *facts)
{
    if (facts->skipped)
        log_warning("%s: %zu line(s) are no entry, or have a name that is none; the first is line %zu", path,
                    facts->skipped, facts->first_line);
    if (facts->cut)
        log_warning("%s: only the first %d names are used", path, HOSTS_FILE_MAX_NAMES);
    if (facts->names)
        log_debug("%s: %zu names", path, facts->names);
}

static size_t address_count(const struct config *config)
{
    size_t count = 0;
    for (size_t i = 0; i < config->host_count; i++)
        count += config->hosts[i].addresses.count;
    return count;
}

/* The options were checked when they were read. */
static size_t fill_hosts(const struct config *config, struct dns_names_host *hosts)
{
    size_t count = 0;
    for (size_t i = 0; i < config->host_count; i++) {
        struct str name = str_of(config->hosts[i].name);
        bool below = str_starts(name, STR("*."));
        for (size_t k = 0; k < config->hosts[i].addresses.count; k++) {
            struct dns_names_host *host = &hosts[count];
            host->below = below;
            if (dname_from_text(str_from(name, below ? 2 : 0), &host->name) == ST_OK &&
                addr_parse_ip(str_of(config->hosts[i].addresses.items[k]), &host->addr) == ST_OK)
                count++;
        }
    }
    return count;
}

static size_t fill_domains(const struct text_list *list, struct dname *domains)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++)
        if (dname_from_text(str_of(list->items[i]), &domains[count]) == ST_OK)
            count++;
    return count;
}

static size_t forward_count(const struct config *config)
{
    size_t count = 0;
    for (size_t i = 0; i < config->forward_count; i++)
        count += config->forwards[i].domains.count;
    return count;
}

static size_t fill_forwards(const struct config *config, struct dname *domains)
{
    size_t count = 0;
    for (size_t i = 0; i < config->forward_count; i++)
        count += fill_domains(&config->forwards[i].domains, domains + count);
    return count;
}

static struct dns_names *make(const struct config *config)
{
    struct buf text = {0};
    struct hosts_file_facts facts = {0};
    struct dns_names *names = NULL;
    struct dns_names_host *hosts = calloc(address_count(config) + 1, sizeof hosts[0]);
    struct dname *forwarded = calloc(forward_count(config) + 1, sizeof forwarded[0]);
    struct dname *allowed = calloc(config->names.rebinding_allow.count + 1, sizeof allowed[0]);
    read_hosts_file(config->names.hosts_file, &text);
    if (hosts && forwarded && allowed) {
        struct dns_names_settings settings = {.hosts = hosts,
                                              .host_count = fill_hosts(config, hosts),
                                              .hosts_file = {text.data, text.length},
                                              .forwarded = forwarded,
                                              .forwarded_count = fill_forwards(config, forwarded),
                                              .firefox_canary = config->names.firefox_canary,
                                              .block_private_relay = config->names.block_private_relay,
                                              .rebinding_protection = config->names.rebinding_protection,
                                              .strip_ech = config->names.strip_ech,
                                              .strip_h3 = config->names.strip_h3,
                                              .safe_search = config->names.safe_search,
                                              .youtube = (enum dns_youtube)config->names.youtube,
                                              .rebinding_allowed = allowed,
                                              .rebinding_allowed_count =
                                                  fill_domains(&config->names.rebinding_allow, allowed)};
        names = dns_names_new(&settings, &facts);
    }
    tell(config->names.hosts_file, &facts);
    buf_free(&text);
    free(hosts);
    free(forwarded);
    free(allowed);
    return names;
}

enum status names_watch_start(struct names_watch *watch, const struct config *config)
{
    *watch = (struct names_watch){.seen = look(config)};
    watch->next = watch->seen;
    watch->names = make(config);
    return watch->names ? ST_OK : ST_NOMEM;
}

void names_watch_end(struct names_watch *watch)
{
    dns_names_unref(watch->names);
    watch->names = NULL;
}

void names_watch_renew(struct names_watch *watch, const struct config *config)
{
    watch->seen = watch->next = look(config);
    struct dns_names *names = make(config);
    if (!names) {
        log_error("names that are answered here stay as they were: out of memory");
        return;
    }
    dns_names_unref(watch->names);
    watch->names = names;
}

bool names_watch_step(struct names_watch *watch, const struct config *config)
{
    struct stat now = look(config);
    if (!same_file(&now, &watch->next)) {
        watch->next = now;
        watch->due_ms = clock_mono_ms() + SETTLE_MS;
    }
    if (same_file(&watch->next, &watch->seen) || clock_mono_ms() < watch->due_ms)
        return false;
    struct dns_names *before = watch->names;
    names_watch_renew(watch, config);
    return watch->names != before;
}
