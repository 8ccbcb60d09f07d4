/* `ccward system-dns`: this machine asks ccward for names, or does so no more. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "commands/control_ask.h"
#include "daemon/control_socket.h"
#include "net/http_ask.h"
#include "system/system_dns.h"

enum { ASK_MS = 5000, MAX_ANSWER_BYTES = 1 << 16 };

struct call {
    const struct command *command;
    const char *config_path;
    bool json;
    struct system_dns dns;
};

typedef enum status verb_fn(const struct system_dns *dns, struct system_dns_report *report, struct fault *fault);

static const struct verb {
    struct command_verb verb;
    verb_fn *run;
    bool needs_config, for_service;
} verbs[] = {{{"enable", 0}, system_dns_enable, true, false}, {{"disable", 0}, system_dns_disable, false, false},
             {{"status", 0}, system_dns_look, false, false},  {{"release", 0}, system_dns_release, false, true},
             {{"resume", 0}, system_dns_resume, true, true},  {{0}}};

static const char *const states[] = {[SYSTEM_DNS_OFF] = "off",
                                     [SYSTEM_DNS_ON] = "on",
                                     [SYSTEM_DNS_RELEASED] = "released",
                                     [SYSTEM_DNS_CHANGED] = "changed"};

/* --- JSON --- */

static json_t *files_json(const struct system_dns_report *report)
{
    json_t *files = json_array();
    for (size_t i = 0; i < report->file_count; i++)
        json_array_append_new(files, system_file_change_json(&report->files[i]));
    return files;
}

static json_t *report_json(const struct call *call, struct system_dns_report *report)
{
    char server[ADDR_TEXT_SIZE] = "";
    json_t *command = json_array();
    for (size_t i = 0; report->has_command && report->command.words[i]; i++)
        json_array_append_new(command, json_string(report->command.words[i]));
    if (report->server.port)
        addr_format(&report->server, server);
    return json_pack("{s:s, s:s, s:s, s:b, s:b, s:o, s:o, s:s}", "state", states[report->state], "manager",
                     report->state == SYSTEM_DNS_OFF && !report->file_count ? "" : system_manager_text(report->manager),
                     "server", server, "fail_closed", report->fail_closed, "dry_run", call->dns.dry_run, "files",
                     files_json(report), "command", command, "notes", buf_text(&report->notes));
}

/* --- Words --- */

static void print_command(const struct call *call, const struct system_dns_report *report)
{
    bool dry_run = call->dns.dry_run;
    if (!report->has_command)
        return;
    printf("  %s", dry_run ? "would run:" : call->dns.root[0] ? "not run because of --root:" : "ran:");
    for (size_t i = 0; report->command.words[i]; i++)
        printf(" %s", report->command.words[i]);
    if (report->command.input[0])
        printf(", with the line: %.*s", (int)strcspn(report->command.input, "\n"), report->command.input);
    putchar('\n');
}

static void print_head(const struct call *call, const struct system_dns_report *report)
{
    char server[ADDR_TEXT_SIZE] = "ccward";
    const char *manager = system_manager_text(report->manager), *would = call->dns.dry_run ? "would ask" : "asks";
    if (report->server.port)
        addr_format(&report->server, server);
    switch (report->state) {
    case SYSTEM_DNS_OFF:
        printf("off: this machine %s ccward no names\n", would);
        break;
    case SYSTEM_DNS_ON:
        printf("on: this machine %s %s for names (%s)\n", would, server, manager);
        printf("  when the service stops: %s\n",
               report->fail_closed ? "no names are resolved until it runs again (--fail-closed)"
                                   : "names are resolved as before, unprotected, until it runs again");
        break;
    case SYSTEM_DNS_RELEASED:
        printf("released: the service is stopped, so names are resolved without it until it runs again (%s)\n",
               manager);
        break;
    case SYSTEM_DNS_CHANGED:
        printf("changed: it was turned on (%s), but a file is not as it was left; `ccward system-dns enable` writes it "
               "again, `disable` leaves it alone, `disable --force` puts back what was there before\n",
               manager);
        break;
    }
}

static void print_people(const struct call *call, const struct verb *verb, struct system_dns_report *report)
{
    print_head(call, report);
    for (size_t i = 0; i < report->file_count; i++)
        if (verb->run != system_dns_look)
            system_file_change_print(&report->files[i], call->dns.dry_run);
        else
            printf("  %s: %s\n", report->files[i].path,
                   report->files[i].foreign ? "changed since" : "as ccward wrote it");
    print_command(call, report);
    fputs(buf_text(&report->notes), stdout);
}

/* --- The call --- */

/* A machine is not led to a resolver that does not answer. */
static enum status check_running(const struct call *call, struct fault *fault)
{
    unsigned http_status;
    struct buf body = {0};
    if (call->dns.root[0] || call->dns.dry_run || call->dns.force)
        return ST_OK;
    enum status status = http_ask_local(call->dns.config->state_dir, CONTROL_SOCKET, "/cache", (struct str){0}, ASK_MS,
                                        MAX_ANSWER_BYTES, &http_status, &body, NULL);
    buf_free(&body);
    if (status == ST_OK)
        return ST_OK;
    return fault_set(fault, ST_UNAVAILABLE,
                     "no daemon answers that uses %s, so that this machine would be without names. Start it first: "
                     "`systemctl enable --now ccward`; --force does it all the same",
                     call->config_path);
}

static int exit_code_of(const struct verb *verb, const struct system_dns_report *report)
{
    if (verb->run != system_dns_look)
        return report->state == SYSTEM_DNS_CHANGED ? EXIT_FAILED : EXIT_OK;
    return report->state == SYSTEM_DNS_ON        ? EXIT_OK
           : report->state == SYSTEM_DNS_CHANGED ? EXIT_FAILED
                                                 : EXIT_NOT_RUNNING;
}

static enum status check_root(const char *root, struct fault *fault)
{
    struct stat st;
    if (!root[0])
        return ST_OK;
    if (stat(root, &st))
        return fault_errno(fault, file_status(errno), "--root %s", root);
    return S_ISDIR(st.st_mode) ? ST_OK : fault_set(fault, ST_INVALID, "--root %s is no folder", root);
}

static int act(struct call *call, const struct verb *verb)
{
    struct system_dns_report report = {0};
    struct fault fault = {0};
    enum status status = check_root(call->dns.root, &fault);
    if (status == ST_OK && verb->run == system_dns_enable)
        status = check_running(call, &fault);
    if (status == ST_OK)
        status = verb->run(&call->dns, &report, &fault);
    int code = status == ST_OK ? exit_code_of(verb, &report) : EXIT_FAILED;
    if (status == ST_OK && call->json) {
        json_t *json = report_json(call, &report);
        if (!json || command_print_json(json) != EXIT_OK)
            code = EXIT_FAILED;
        json_decref(json);
    } else if (status == ST_OK && !(verb->for_service && report.state == SYSTEM_DNS_OFF)) {
        print_people(call, verb, &report);
    }
    if (status != ST_OK)
        command_failed(status, &fault);
    system_dns_report_fini(&report);
    return code;
}

int cmd_system_dns(const struct command *command, int argc, char **argv)
{
    static char root_path[PATH_MAX];
    const char *root = "", *manager = NULL;
    struct call call = {.command = command, .config_path = config_default_path()};
    struct system_dns *dns = &call.dns;
    struct command_option options[] = {{"config", 'c', .text = &call.config_path},
                                       {"json", .flag = &call.json},
                                       {"root", .text = &root},
                                       {"dry-run", .flag = &dns->dry_run, .verbs = "enable|disable"},
                                       {"fail-closed", .flag = &dns->fail_closed, .verbs = "enable"},
                                       {"manager", .text = &manager, .verbs = "enable"},
                                       {"force", .flag = &dns->force, .verbs = "enable|disable"},
                                       {0}};
    int code = command_options(command, options, argc, argv);
    if (code != COMMAND_GO_ON)
        return code;
    const struct verb *verb =
        command_verb(command, options, verbs, sizeof *verb, "enable, disable or status", argc, argv);
    if (!verb)
        return EXIT_USAGE;
    if (manager && system_manager_parse(str_of(manager), &dns->manager) != ST_OK)
        return command_misused(
            command, "there is no manager '%s': systemd-resolved, networkmanager, resolvconf or plain", manager);
    system_root(root, root_path, sizeof root_path);
    dns->root = root_path;
    dns->any_manager = !manager;
    dns->config_path = call.config_path;
    dns->later = verb->for_service;
    if (!verb->needs_config)
        return act(&call, verb);
    struct config config;
    if (!command_config(call.config_path, &config))
        return EXIT_CONFIG;
    dns->config = &config;
    code = act(&call, verb);
    config_free(&config);
    return code;
}
