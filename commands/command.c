#include "commands/command.h"

#include <getopt.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "config/chosen_feeds.h"

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

/* 0.004 and not 0.0040000000000000001. */
enum { REAL_DIGITS = 12 };

int command_print_json(const json_t *json)
{
    int failed = json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(REAL_DIGITS));
    putchar('\n');
    return failed ? EXIT_FAILED : EXIT_OK;
}

int command_failed(enum status status, const struct fault *fault)
{
    fprintf(stderr, "ccward: %s\n", fault && fault->text[0] ? fault->text : status_text(status));
    return status == ST_BUSY ? EXIT_BUSY : status == ST_CLOSED ? EXIT_INTERRUPTED : EXIT_FAILED;
}

enum { FIRST_WITHOUT_LETTER = 256 };

/* What getopt_long() returns for the option at INDEX. */
static int value_of(const struct command_option *options, size_t index)
{
    return options[index].letter ? options[index].letter : FIRST_WITHOUT_LETTER + (int)index;
}

static int take_option(const struct command *command, struct command_option *option, char *value)
{
    option->given = true;
    if (option->take)
        return option->take(command, value, option->user);
    if (option->flag)
        *option->flag = true;
    else
        *option->text = value;
    return COMMAND_GO_ON;
}

/* Tells what getopt_long() stumbled on. The word before `optind` is the option where it is spelled out; a letter may
 * stand amid others. */
static int wrong_option(const struct command *command, const struct option *known, bool lacks_value, char **argv)
{
    const char *word = argv[optind - 1];
    int length = (int)strcspn(word, "=");
    char letter[8];
    const struct option *row = known;
    while (row->name && row->val != optopt)
        row++;
    text_printable(letter, sizeof letter, (struct str){(const char[]){(char)optopt}, 1});
    if (row->name && !lacks_value)
        return command_misused(command, "option --%s takes no value", row->name);
    if (row->name && !strncmp(word, "--", 2))
        return command_misused(command, "option --%s needs a value", row->name);
    if (optopt)
        return command_misused(command, "option -%s %s", letter, row->name ? "needs a value" : "is not known");
    for (row = known; row->name; row++)
        if (!strncmp(row->name, word + 2, (size_t)length - 2))
            return command_misused(command, "option %.*s may be one of several: write it out", length, word);
    return command_misused(command, "option %.*s is not known", length, word);
}

int command_options(const struct command *command, struct command_option *options, int argc, char **argv)
{
    struct option known[COMMAND_MAX_OPTIONS + 2] = {{"help", no_argument, NULL, 'h'}};
    char letters[2 * COMMAND_MAX_OPTIONS + 3] = ":h"; /* the colon: getopt_long() says nothing itself */
    int code = COMMAND_GO_ON;
    for (size_t i = 0; options[i].name; i++) {
        bool valued = !options[i].flag;
        CHECK(i < COMMAND_MAX_OPTIONS);
        known[i + 1] = (struct option){options[i].name, valued, NULL, value_of(options, i)};
        if (options[i].letter)
            strncat(letters, (const char[]){options[i].letter, valued ? ':' : '\0', '\0'}, 2);
    }
    for (int c; code == COMMAND_GO_ON && (c = getopt_long(argc, argv, letters, known, NULL)) != -1;) {
        if (c == 'h')
            return command_help(command);
        if (c == '?' || c == ':')
            return wrong_option(command, known, c == ':', argv);
        size_t i = 0;
        while (value_of(options, i) != c)
            i++;
        code = take_option(command, &options[i], optarg);
    }
    return code;
}

static bool goes_with(const struct command_option *option, const char *verb)
{
    struct str word, rest = str_of(option->verbs ? option->verbs : verb);
    for (bool more = true; more;) {
        more = str_cut(rest, '|', &word, &rest);
        if (str_eq(more ? word : rest, str_of(verb)))
            return true;
    }
    return false;
}

int command_check_options(const struct command *command, const struct command_option *options, const char *verb)
{
    for (; options->name; options++)
        if (options->given && !goes_with(options, verb))
            return command_misused(command, "--%s does not go with `ccward %s %s`", options->name, command->name, verb);
    return COMMAND_GO_ON;
}

const void *command_verb(const struct command *command, const struct command_option *options, const void *verbs,
                         size_t row_size, const char *choices, int argc, char **argv)
{
    const char *name = optind < argc ? argv[optind] : NULL;
    if (!name) {
        command_misused(command, "%s?", choices);
        return NULL;
    }
    const struct command_verb *verb = verbs;
    while (verb->name && strcmp(verb->name, name))
        verb = (const void *)((const char *)verb + row_size);
    int surplus = ++optind + verb->operands;
    if (!verb->name)
        command_misused(command, "there is no '%s' here: %s", name, choices);
    else if (verb->operands >= 0 && surplus < argc)
        command_misused(command, "'%s' is one word too many", argv[surplus]);
    else if (command_check_options(command, options, name) == COMMAND_GO_ON)
        return verb;
    return NULL;
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
