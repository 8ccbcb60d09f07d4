#include "daemon/command.h"

#include <getopt.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/chosen_feeds.h"
#include "net/system_servers.h"

int command_help(const struct command *command)
{
    fputs(command->usage, stdout);
    return EXIT_OK;
}

int command_misused(const struct command *command, const char *format, ...)
{
    va_list args;
    fprintf(stderr, "ccward %s: ", command->name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n`ccward %s --help` shows how it is called.\n", command->name);
    return EXIT_USAGE;
}

int command_bad_option(const struct command *command, int getopt_result, char **argv)
{
    const char *option = argv[optind - 1];
    return command_misused(command, getopt_result == ':' ? "option %s needs a value" : "option %s is not known",
                           option);
}

int command_failed(enum status status, const struct fault *fault)
{
    fprintf(stderr, "ccward: %s\n", fault && fault->text[0] ? fault->text : status_text(status));
    return status == ST_BUSY ? EXIT_BUSY : status == ST_CLOSED ? EXIT_INTERRUPTED : EXIT_FAILED;
}

bool command_config(const char *path, struct config *config)
{
    struct config_faults faults = {0};
    enum status status = config_load(path ? path : config_default_path(), config, &faults);
    if (status == ST_OK && !config_chosen_hidden(config))
        config_take_chosen(config, &faults);
    fputs(buf_text(&faults.text), stderr);
    if (status != ST_OK && !faults.errors)
        fprintf(stderr, "ccward: the configuration cannot be read: %s\n", status_text(status));
    config_faults_free(&faults);
    return status == ST_OK;
}

void command_tell_hidden_feeds(const struct config *config)
{
    if (config_chosen_hidden(config))
        fprintf(stderr, "ccward: this user may not look into %s: feeds that were chosen by command are not shown\n",
                config->state_dir);
}

enum status command_become_owner(const struct config *config, struct fault *fault)
{
    struct stat st;
    if (geteuid() != 0 || stat(config->state_dir, &st) || !st.st_uid)
        return ST_OK;
    if (setgroups(0, NULL) || setgid(st.st_gid) || setuid(st.st_uid))
        return fault_errno(fault, ST_DENIED, "%s belongs to user %u, whom root cannot become here", config->state_dir,
                           (unsigned)st.st_uid);
    return ST_OK;
}

const char *store_dir(const struct config *config)
{
    static char path[4200];
    snprintf(path, sizeof path, "%s/reputation", config->state_dir);
    return path;
}

struct feed feed_of_config(const struct config_feed *feed)
{
    return (struct feed){.name = feed->name,
                         .url = feed->url,
                         .format = feed->format,
                         .category = (enum category)feed->category,
                         .risk = (enum risk)feed->risk,
                         .mirrors = (const char *const *)feed->mirrors.items,
                         .mirror_count = feed->mirrors.count,
                         .interval_s = (int64_t)(feed->interval_ms / 1000),
                         .use = (enum feed_use)feed->action,
                         .match = (enum feed_match)feed->match,
                         .retain = (enum feed_retain)feed->retain,
                         .expire_s = (int64_t)(feed->expire_ms / 1000),
                         .top = feed->top,
                         .min_confidence = (unsigned)feed->min_confidence,
                         .can_be_empty = feed->can_be_empty,
                         .must_contain = feed->must_contain,
                         .key = feed->key,
                         .key_as = feed->key_as};
}

static size_t servers_of_system(const struct config *config, struct addr servers[UPSTREAM_MAX_SERVERS],
                                struct fault *why)
{
    const struct addr_list *own = &config->dns.listen;
    struct system_places places = system_places_of(config->dns.resolv_conf);
    size_t count;
    enum status status = system_servers(&places, own->items, own->count, servers, UPSTREAM_MAX_SERVERS, &count, why);
    return status == ST_OK ? count : 0;
}

size_t config_upstreams(const struct config *config, struct upstream_address upstreams[UPSTREAM_MAX_SERVERS],
                        struct fault *why)
{
    const struct upstream_list *given = &config->dns.upstreams;
    struct addr servers[UPSTREAM_MAX_SERVERS];
    if (given->count) {
        memcpy(upstreams, given->items, given->count * sizeof upstreams[0]);
        return given->count;
    }
    size_t count = servers_of_system(config, servers, why);
    for (size_t i = 0; i < count; i++)
        upstreams[i] = upstream_address_plain(&servers[i]);
    return count;
}

/* Who can be asked by plain DNS: upstreams, or else those who are asked for the addresses of upstreams. */
static size_t plain_servers(const struct config *config, struct addr servers[UPSTREAM_MAX_SERVERS])
{
    size_t count = 0;
    for (size_t i = 0; i < config->dns.upstreams.count; i++)
        if (config->dns.upstreams.items[i].transport == UPSTREAM_UDP)
            servers[count++] = config->dns.upstreams.items[i].addr;
    for (size_t i = 0; !count && i < config->dns.bootstrap.count; i++)
        servers[i] = config->dns.bootstrap.items[i];
    if (!count)
        count = config->dns.bootstrap.count;
    return count ? count : servers_of_system(config, servers, NULL);
}

enum status command_site(const struct config *config, struct command_site *site)
{
    *site = (struct command_site){.feeds = calloc(config->feed_count + 1, sizeof *site->feeds)};
    if (!site->feeds)
        return ST_NOMEM;
    for (size_t i = 0; i < config->feed_count; i++)
        site->feeds[i] = feed_of_config(&config->feeds[i]);
    site->site = (struct feed_site){.state_dir = config->state_dir,
                                    .feeds = site->feeds,
                                    .feed_count = config->feed_count,
                                    .upstreams = site->upstreams,
                                    .upstream_count = plain_servers(config, site->upstreams),
                                    .listeners = config->dns.listen.items,
                                    .listener_count = config->dns.listen.count};
    return ST_OK;
}

void command_site_fini(struct command_site *site)
{
    free(site->feeds);
    *site = (struct command_site){0};
}
