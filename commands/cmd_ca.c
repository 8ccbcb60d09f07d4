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

/* False: that is told. One label alone is well: a whole top-level domain may be kept out. */
static bool add_excluded(struct call *call, const char *text)
{
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
    if (!good || call->excluded_count == MAX_EXCLUDED) {
        command_misused(call->command,
                        good ? "--exclude %s: there are too many"
                             : "--exclude %s: that is no name of a "
                               "domain",
                        text);
        return false;
    }
    call->excluded[call->excluded_count] = strdup(out);
    return call->excluded[call->excluded_count] && ++call->excluded_count;
}

static void print_time(const char *label, int64_t at_s)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(at_s * 1000, text);
    printf("%-13s%.10s\n", label, text);
}

static int init(struct call *call)
{
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
    int failed = !json || json_dumpf(json, stdout, JSON_INDENT(2));
    json_decref(json);
    putchar('\n');
    return failed ? EXIT_FAILED : EXIT_OK;
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

static int status(const struct call *call)
{
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

/* The call */

static int run_verb(struct call *call, const char *verb, const char *path)
{
    if (!strcmp(verb, "init"))
        return init(call);
    if (!strcmp(verb, "export"))
        return export(call, path);
    if (!strcmp(verb, "status"))
        return status(call);
    return change_trust(call, !strcmp(verb, "trust"));
}

static bool is_verb(const char *verb)
{
    static const char *const verbs[] = {"init", "export", "trust", "untrust", "status"};
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (!strcmp(verb, verbs[i]))
            return true;
    return false;
}

static int parse_and_run(struct call *call, int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"exclude", required_argument, NULL, 'x'},
        {"der", no_argument, NULL, 'd'},          {"dry-run", no_argument, NULL, 'n'},
        {"root", required_argument, NULL, 'r'},   {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},         {0}};
    for (int c; (c = getopt_long(argc, argv, ":c:h", options, NULL)) != -1;) {
        if (c == 'c')
            call->config_path = optarg;
        else if (c == 'd')
            call->der = true;
        else if (c == 'n')
            call->dry_run = true;
        else if (c == 'r')
            call->root = optarg;
        else if (c == 'j')
            call->json = true;
        else if (c == 'h')
            return command_help(call->command);
        else if (c != 'x')
            return command_bad_option(call->command, c, argv);
        else if (!add_excluded(call, optarg))
            return EXIT_USAGE;
    }
    const char *verb = optind < argc ? argv[optind++] : NULL;
    if (!verb)
        return command_misused(call->command, "say what: init, export, trust, untrust or status");
    if (!is_verb(verb))
        return command_misused(call->command, "'%s' is not known", verb);
    const char *path = optind < argc && !strcmp(verb, "export") ? argv[optind++] : NULL;
    if (optind < argc)
        return command_misused(call->command, "'%s' is too much", argv[optind]);
    if (call->excluded_count && strcmp(verb, "init"))
        return command_misused(call->command, "names are excluded when the authority is made: by init");
    if (!command_config(call->config_path, &call->config))
        return EXIT_CONFIG;
    int code = run_verb(call, verb, path);
    config_free(&call->config);
    return code;
}

int cmd_ca(const struct command *command, int argc, char **argv)
{
    struct call call = {.command = command, .root = ""};
    int code = parse_and_run(&call, argc, argv);
    for (size_t i = 0; i < call.excluded_count; i++)
        free(call.excluded[i]);
    return code;
}
