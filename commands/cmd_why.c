/* `ccward why`: the verdict, what was tried, and the record of every source. */
#include <getopt.h>
#include <stdio.h>

#include "commands/command.h"
#include "commands/why.h"
#include "message/dns_type.h"

static enum status ask(const struct config *config, struct question *question, bool json, bool quiet, int *exit_code,
                       struct fault *fault)
{
    static struct answer answer;
    struct snapshot_facts facts;
    struct policy *policy = NULL;
    struct policy_reader *judge = NULL;
    struct store_reader *reader = NULL;
    enum status status = snapshot_build(config, NULL, &policy, &facts, fault);
    if (status == ST_OK)
        status = policy_reader_new(policy, &judge);
    if (status == ST_OK)
        status = store_reader_new(policy_store(policy), &reader);
    if (status == ST_OK)
        status = answer_find(question, policy, judge, reader, &answer);
    if (status == ST_OK) {
        if (facts.damaged && !quiet)
            fprintf(stderr, "ccward: %u source(s) are damaged and left out: %s\n", facts.damaged, facts.why.text);
        if (json)
            status = why_print_json(question, &answer);
        else if (!quiet)
            why_print(question, &answer);
        *exit_code = !quiet                                  ? EXIT_OK
                     : answer.verdict.action == ACTION_BLOCK ? EXIT_BLOCK
                     : answer.verdict.action == ACTION_LOG   ? EXIT_LOG
                                                             : EXIT_OK;
    }
    answer_fini(&answer);
    store_reader_free(reader);
    policy_reader_free(judge);
    policy_unref(policy);
    return status;
}

int cmd_why(const struct command *command, int argc, char **argv)
{
    static struct question question;
    const char *path = NULL, *client = "127.0.0.1", *type = NULL;
    bool json = false, quiet = false;
    struct command_option options[] = {{"config", 'c', .text = &path}, {"client", .text = &client},
                                       {"type", .text = &type},        {"json", .flag = &json},
                                       {"quiet", 'q', .flag = &quiet}, {0}};
    int code = command_options(command, options, argc, argv);
    if (code != COMMAND_GO_ON)
        return code;
    if (addr_parse_ip(str_of(client), &question.subject.client) != ST_OK)
        return command_misused(command, "'%s' is no address", client);
    if (type && dns_type_parse(str_of(type), &question.subject.qtype) != ST_OK)
        return command_misused(command, "'%s' is no type: write it like A, AAAA, HTTPS or TYPE65", type);
    if (optind + 1 != argc)
        return command_misused(command, "one name, URL or address is expected");
    if (!question_parse(argv[optind], &question))
        return command_misused(command, "'%s' is no name, URL or single address", argv[optind]);
    struct config config;
    if (!command_config(path, &config))
        return EXIT_CONFIG;
    struct fault fault = {0};
    int exit_code = EXIT_FAILED;
    enum status status = ask(&config, &question, json, quiet, &exit_code, &fault);
    config_free(&config);
    return status == ST_OK ? exit_code : command_failed(status, &fault);
}
