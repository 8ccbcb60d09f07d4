/* `ccward status`: asks the running daemon; where that is not possible, tells what the files tell. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "commands/command.h"
#include "daemon/health.h"
#include "net/http_ask.h"
#include "reputation/user_lists_file.h"

enum { ASK_MS = 3000, MAX_ANSWER_BYTES = 1 << 20 };

enum { NOT_RUNNING = 0, HIDDEN = -1 };

/* The process that holds the state directory; HIDDEN: we may not look there. */
static long running_process(const struct config *config)
{
    char path[4200], text[32] = "";
    uint64_t pid = NOT_RUNNING;
    snprintf(path, sizeof path, "%s/" PID_FILE, config->state_dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == EACCES ? HIDDEN : NOT_RUNNING;
    bool held = flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    close(fd);
    struct str digits = {text, n > 0 ? strcspn(text, "\n") : 0};
    return held && text_u64(digits, INT32_MAX, &pid) == ST_OK ? (long)pid : NOT_RUNNING;
}

/* NULL with why: the daemon cannot be asked. */
static json_t *ask_daemon(const struct config *config, long pid, struct fault *why)
{
    struct buf body = {0};
    unsigned http_status;
    json_t *json = NULL;
    if (!config->console.listen.count)
        fault_set(why, ST_UNAVAILABLE, "the console is off (console.listen), so that only files can be looked at");
    else if (http_ask(&config->console.listen.items[0], "/healthz", ASK_MS, MAX_ANSWER_BYTES, &http_status, &body,
                      why) == ST_OK)
        json = json_loadb(body.data, body.length, 0, NULL);
    buf_free(&body);
    if (json && pid != HIDDEN && json_integer_value(json_object_get(json, "pid")) != pid) {
        fault_set(why, ST_UNAVAILABLE, "the console's address is answered by another process");
        json_decref(json);
        return NULL;
    }
    if (!json)
        fault_set(why, ST_INVALID, "the console's answer cannot be read");
    return json;
}

static json_t *look_at_files(const struct config *config, bool running)
{
    struct snapshot_facts snapshot;
    struct policy *policy = NULL;
    struct user_lists *lists = NULL;
    struct upstream_address upstreams[UPSTREAM_MAX_SERVERS];
    struct fault store = {0}, own = {0}, why = {0};
    if (snapshot_build(config, NULL, &policy, &snapshot, &store) != ST_OK)
        policy = NULL;
    (void)!user_lists_read(config->state_dir, &lists, &own);
    struct health_facts facts = {.config = config,
                                 .store = policy ? policy_store(policy) : NULL,
                                 .snapshot = &snapshot,
                                 .upstreams = upstreams,
                                 .upstream_count = config_upstreams(config, upstreams, &why),
                                 .store_fault = store.text,
                                 .lists_fault = own.text};
    json_t *json = health_json(&facts);
    if (json && running)
        json_object_set_new(json, "state", json_string("degraded"));
    user_lists_free(lists);
    policy_unref(policy);
    return json;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static long long number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const char *plural_of(const json_t *object, const char *key)
{
    return text_plural((uint64_t)number_of(object, key));
}

static void print_addresses(const char *label, const json_t *list, const char *none)
{
    size_t i;
    const json_t *address;
    printf("  %-12s", label);
    json_array_foreach(list, i, address) printf("%s%s", i ? ", " : "", json_string_value(address));
    puts(json_array_size(list) ? "" : none);
}

static void print_head(const json_t *health, long pid)
{
    char span[CLOCK_SPAN_SIZE];
    const json_t *uptime = json_object_get(health, "uptime_s");
    clock_format_span(json_integer_value(uptime), span);
    if (!pid)
        printf("ccward %s is not running\n", text_of(health, "version"));
    else if (uptime)
        printf("ccward %s is running (process %ld, for %s): %s\n", text_of(health, "version"), pid, span,
               text_of(health, "state"));
    else
        printf("ccward is running (process %ld), but cannot be asked: %s\n", pid, text_of(health, "state"));
    size_t i;
    const json_t *problem;
    json_array_foreach(json_object_get(health, "problems"), i, problem) printf("  ! %s\n", text_of(problem, "reason"));
    if (text_of(health, "clock")[0])
        printf("  - %s\n", text_of(health, "clock"));
}

static void print_people(const json_t *health, long pid)
{
    const json_t *listen = json_object_get(health, "listen"), *counts = json_object_get(health, "counts"),
                 *feeds = json_object_get(health, "feeds");
    print_head(health, pid);
    puts("");
    print_addresses("DNS", json_object_get(listen, "dns"), "off");
    print_addresses("  by TLS", json_object_get(listen, "dns_tls"), "off");
    print_addresses("  by HTTPS", json_object_get(listen, "dns_https"), "off");
    print_addresses("HTTP proxy", json_object_get(listen, "proxy"), "off");
    print_addresses("  SOCKS", json_object_get(listen, "proxy_socks"), "off");
    print_addresses("  redirect", json_object_get(listen, "proxy_transparent"), "off");
    print_addresses("block page", json_object_get(listen, "blockpage"), "off");
    print_addresses("  for https", json_object_get(listen, "blockpage_tls"), "off");
    print_addresses("console", json_object_get(listen, "console"), "off");
    print_addresses("upstreams", json_object_get(health, "upstreams"), "none");
    printf("  %-12s%lld source%s: %lld name%s, %lld URL%s, %lld network%s\n", "store", number_of(counts, "sources"),
           plural_of(counts, "sources"), number_of(counts, "names"), plural_of(counts, "names"),
           number_of(counts, "urls"), plural_of(counts, "urls"), number_of(counts, "networks"),
           plural_of(counts, "networks"));
    if (json_is_integer(json_object_get(health, "own_entries")))
        printf("  %-12s%lld (`ccward lists`)\n", "own entries", number_of(health, "own_entries"));
    printf("  %-12s%lld configured, %lld in trouble (`ccward feeds list`)\n", "feeds", number_of(feeds, "configured"),
           number_of(feeds, "in_trouble"));
    if (json_is_false(json_object_get(health, "callbacks_recorded")))
        printf("  %-12snot recorded (log.callbacks: no)\n", "callbacks");
    else if (json_object_get(health, "hits"))
        printf("  %-12s%lld contacts since the start, %lld incidents remembered (`ccward hits`)\n", "callbacks",
               number_of(health, "hits"), number_of(health, "incidents"));
}

static int print_json(json_t *health, long pid)
{
    json_object_set_new(health, "running", json_boolean(pid));
    json_object_set_new(health, "pid", pid ? json_integer(pid) : json_null());
    return command_print_json(health);
}

/* The file is the truth of these; null where it cannot be read, which is a problem that is told. */
static json_t *own_entries(const struct config *config)
{
    struct user_lists *lists;
    if (user_lists_read(config->state_dir, &lists, NULL) != ST_OK)
        return json_null();
    user_lists_prune(lists, clock_wall_ms() / 1000);
    json_t *count = json_integer((json_int_t)user_lists_count(lists));
    user_lists_free(lists);
    return count;
}

static int tell(const struct config *config, bool json)
{
    struct fault why = {0};
    long pid = running_process(config);
    json_t *health = pid ? ask_daemon(config, pid, &why) : NULL;
    if (pid == HIDDEN && !health) {
        struct fault denied = {0};
        fault_set(&denied, ST_DENIED, "you may not look into %s, and the daemon does not answer: %s", config->state_dir,
                  why.text);
        return command_failed(ST_DENIED, &denied);
    }
    if (pid == HIDDEN)
        pid = (long)json_integer_value(json_object_get(health, "pid"));
    if (!health && (health = look_at_files(config, pid)) && pid) {
        json_array_insert_new(json_object_get(health, "problems"), 0,
                              json_pack("{s:s, s:n, s:s}", "kind", "console", "name", "reason", why.text));
        json_object_set_new(health, "reason", json_string(why.text));
    }
    if (!health)
        return command_failed(ST_NOMEM, NULL);
    json_object_set_new(health, "own_entries", own_entries(config));
    bool ok = !strcmp(text_of(health, "state"), "ok");
    int code = EXIT_OK;
    if (json)
        code = print_json(health, pid);
    else
        print_people(health, pid);
    json_decref(health);
    return code != EXIT_OK ? code : !pid ? EXIT_NOT_RUNNING : ok ? EXIT_OK : EXIT_FAILED;
}

int cmd_status(const struct command *command, int argc, char **argv)
{
    const char *path = NULL;
    bool json = false;
    struct command_option options[] = {{"config", 'c', .text = &path}, {"json", .flag = &json}, {0}};
    int code = command_options(command, options, argc, argv);
    if (code != COMMAND_GO_ON)
        return code;
    if (optind < argc)
        return command_misused(command, "'%s' is one word too many", argv[optind]);
    struct config config;
    if (!command_config(path, &config))
        return EXIT_CONFIG;
    code = tell(&config, json);
    config_free(&config);
    return code;
}
