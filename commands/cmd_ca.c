/* `ccward ca`: the authority that block pages over HTTPS are signed by. */
#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "commands/command.h"
#include "daemon/ca_files.h"
#include "system/ca_trust.h"

enum { MAX_EXCLUDED = 256 };

struct call {
    const struct command *command;
    const char *config_path;
    bool json, der, dry_run;
    const char *root;
    char *excluded[MAX_EXCLUDED]; /* as certificates have it; ours to free */
    size_t excluded_count;
    struct config config;
};

/* init */

/* One label alone is well: a whole top-level domain may be kept out. */
static int add_excluded(const struct command *command, const char *text, void *user)
{
    struct call *call = user;
    struct dname name;
    char out[DNAME_TEXT_SIZE];
    struct str bare = str_starts(str_of(text), STR("*.")) ? str_from(str_of(text), 2) : str_of(text);
    bool good = dname_from_text(bare, &name) == ST_OK && name.labels;
    if (good) {
        dname_lower(&name);
        dname_to_text(&name, out);
        for (const char *c = out; *c; c++)
            good = good && (ascii_alpha(*c) || ascii_digit(*c) || *c == '-' || *c == '_' || *c == '.');
    }
    if (!good)
        return command_misused(command, "--exclude %s: that is no name of a domain", text);
    if (call->excluded_count == MAX_EXCLUDED)
        return command_misused(command, "--exclude %s: there are too many", text);
    if (!(call->excluded[call->excluded_count] = strdup(out)))
        return command_failed(ST_NOMEM, NULL);
    call->excluded_count++;
    return COMMAND_GO_ON;
}

static void print_time(const char *label, int64_t at_s)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(at_s * 1000, text);
    printf("%-13s%.10s\n", label, text);
}

static int init(const struct call *call, const char *path)
{
    (void)path;
    struct fault fault = {0};
    struct buf pem = {0};
    struct authority_facts facts = {0};
    enum status status = command_become_owner(&call->config, &fault);
    if (status == ST_OK)
        status =
            ca_files_make(call->config.state_dir, (const char *const *)call->excluded, call->excluded_count, &fault);
    if (status == ST_OK)
        status = ca_files_read(call->config.state_dir, &pem, &facts, &fault);
    if (status == ST_OK) {
        printf("made an authority: %s/" CA_CERTIFICATE "\n", call->config.state_dir);
        printf("%-13s%s\n%-13s%s\n", "name", facts.name, "fingerprint", facts.fingerprint);
        print_time("until", facts.until_s);
        printf("No browser trusts it yet: `ccward ca trust` on this machine, `ccward ca export` for others.\n");
    }
    authority_facts_fini(&facts);
    buf_free(&pem);
    return status == ST_OK ? EXIT_OK : command_failed(status, &fault);
}

/* export */

static int export(const struct call *call, const char *path)
{
    struct fault fault = {0};
    struct buf pem = {0};
    struct authority_facts facts = {0};
    enum status status = ca_files_read(call->config.state_dir, &pem, &facts, &fault);
    struct str bytes = call->der ? (struct str){facts.der.data, facts.der.length} : (struct str){pem.data, pem.length};
    if (status == ST_OK && path && strcmp(path, "-"))
        status = file_replace(path, bytes, &fault);
    else if (status == ST_OK && fwrite(bytes.data, 1, bytes.length, stdout) != bytes.length)
        status = fault_set(&fault, ST_IO, "standard output cannot be written");
    authority_facts_fini(&facts);
    buf_free(&pem);
    return status == ST_OK ? EXIT_OK : command_failed(status, &fault);
}

/* status */

static json_t *lines_to_json(struct str text)
{
    json_t *list = json_array();
    struct str line;
    while (str_cut(text, '\n', &line, &text))
        json_array_append_new(list, json_stringn(line.data, line.length));
    return list;
}

static int print_status_json(const struct authority_facts *facts, const char *key, struct str places)
{
    char from[CLOCK_TEXT_SIZE], until[CLOCK_TEXT_SIZE];
    clock_format(facts->from_s * 1000, from);
    clock_format(facts->until_s * 1000, until);
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "name", facts->name, "fingerprint",
                             facts->fingerprint, "from", from, "until", until, "key", key, "excluded",
                             lines_to_json((struct str){facts->excluded.data, facts->excluded.length}), "trusted_by",
                             lines_to_json(places));
    int code = command_print_json(json);
    json_decref(json);
    return code;
}

static void print_lines(const char *label, struct str text, const char *none)
{
    struct str line;
    if (!text.length)
        printf("%-13s%s\n", label, none);
    for (; str_cut(text, '\n', &line, &text); label = "")
        printf("%-13s%.*s\n", label, (int)line.length, line.data);
}

/* What can be said of the key without reading it. */
static const char *key_state(const struct config *config)
{
    char path[4200];
    struct fault fault = {0};
    snprintf(path, sizeof path, "%s/" CA_KEY, config->state_dir);
    enum status status = ca_files_check_key(path, &fault);
    return status == ST_OK ? "private" : status == ST_NOT_FOUND ? "missing" : "open to others";
}

static int status(const struct call *call, const char *path)
{
    (void)path;
    struct fault fault = {0};
    struct buf pem = {0}, places = {0};
    struct authority_facts facts = {0};
    enum status status = ca_files_read(call->config.state_dir, &pem, &facts, &fault);
    if (status != ST_OK) {
        buf_free(&pem);
        if (status != ST_NOT_FOUND || !call->json)
            return command_failed(status, &fault);
        puts("{}");
        return EXIT_FAILED;
    }
    const char *key = key_state(&call->config);
    struct str text = {pem.data, pem.length};
    struct ca_trust trust = {.root = call->root, .pem = text, .facts = &facts};
    ca_trust_places(&trust, &places);
    struct str trusted = {places.data, places.length};
    int code = EXIT_OK;
    if (call->json) {
        code = print_status_json(&facts, key, trusted);
    } else {
        printf("%-13s%s\n%-13s%s\n", "name", facts.name, "fingerprint", facts.fingerprint);
        print_time("from", facts.from_s);
        print_time("until", facts.until_s);
        printf("%-13s%s\n", "key", key);
        print_lines("excluded", (struct str){facts.excluded.data, facts.excluded.length}, "no names");
        print_lines("trusted by", trusted, "nothing on this machine (`ccward ca trust`)");
    }
    buf_free(&places);
    buf_free(&pem);
    authority_facts_fini(&facts);
    return code;
}

/* trust and untrust */

static int change_trust(const struct call *call, bool install)
{
    struct fault fault = {0};
    struct buf pem = {0};
    struct authority_facts facts = {0};
    enum status status = ca_files_read(call->config.state_dir, &pem, &facts, &fault);
    if (status == ST_OK) {
        struct ca_trust trust = {.root = call->root,
                                 .pem = {pem.data, pem.length},
                                 .facts = &facts,
                                 .dry_run = call->dry_run,
                                 .out = stdout};
        if (install)
            ca_trust_install(&trust);
        else
            ca_trust_remove(&trust);
        status = trust.failed ? fault_set(&fault, ST_IO, "not all of it was done; what is told above is left") : ST_OK;
        if (status == ST_OK && !call->dry_run)
            printf("Browsers that run see it when they are started again.\n");
    }
    authority_facts_fini(&facts);
    buf_free(&pem);
    return status == ST_OK ? EXIT_OK : command_failed(status, &fault);
}

static int trust(const struct call *call, const char *path)
{
    (void)path;
    return change_trust(call, true);
}

static int untrust(const struct call *call, const char *path)
{
    (void)path;
    return change_trust(call, false);
}

/* The call */

static int parse_and_run(struct call *call, int argc, char **argv)
{
    static const struct verb {
        struct command_verb verb;
        int (*run)(const struct call *call, const char *path);
    } verbs[] = {{{"init", 0}, init},       {{"export", 1}, export}, {{"trust", 0}, trust},
                 {{"untrust", 0}, untrust}, {{"status", 0}, status}, {{0}}};
    struct command_option options[] = {{"config", 'c', .text = &call->config_path},
                                       {"exclude", .take = add_excluded, .user = call, .verbs = "init"},
                                       {"der", .flag = &call->der, .verbs = "export"},
                                       {"dry-run", .flag = &call->dry_run, .verbs = "trust|untrust"},
                                       {"root", .text = &call->root, .verbs = "trust|untrust|status"},
                                       {"json", .flag = &call->json, .verbs = "status"},
                                       {0}};
    int code = command_options(call->command, options, argc, argv);
    if (code != COMMAND_GO_ON)
        return code;
    const struct verb *verb =
        command_verb(call->command, options, verbs, sizeof *verb, "init, export, trust, untrust or status", argc, argv);
    if (!verb)
        return EXIT_USAGE;
    if (!call->root)
        call->root = "";
    if (!command_config(call->config_path, &call->config))
        return EXIT_CONFIG;
    code = verb->run(call, argv[optind]);
    config_free(&call->config);
    return code;
}

int cmd_ca(const struct command *command, int argc, char **argv)
{
    struct call call = {.command = command};
    int code = parse_and_run(&call, argc, argv);
    for (size_t i = 0; i < call.excluded_count; i++)
        free(call.excluded[i]);
    return code;
}
