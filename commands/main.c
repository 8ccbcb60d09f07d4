/* ccward: one program, several sub-commands. Each stands once in this table. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "commands/command.h"

#define ENTRY_HELP                                                                                                     \
    "  SUBJECT             a name (with all below it), =NAME (alone), a URL, an address, a network, ADDRESS:PORT\n"    \
    "      --for TIME      it ends by itself: 15m, 8h, 7d (default: never)\n"                                          \
    "      --group GROUP   for the clients of this group of the configuration alone\n"                                 \
    "      --log-only      a contact passes and is recorded\n"                                                         \
    "      --note TEXT     a few words for whoever reads it later\n"                                                   \
    "      --category CATEGORY  what the block page and the log call it (default: other)\n"                            \
    "      --exact         a name without what is below it\n"                                                          \
    "      --force         also what looks like a slip, such as a whole top-level domain\n"                            \
    "      --json          print as JSON\n"                                                                            \
    "  -c, --config FILE   the configuration (default: as for `ccward run`)\n"                                         \
    "\n"                                                                                                               \
    "The entry replaces an earlier one for the same subject and group. It is in force within a second, with or "       \
    "without\n"                                                                                                        \
    "a running daemon. `ccward lists` shows all, `ccward lists remove SUBJECT` takes one back; docs/lists.md has "     \
    "more.\n"

static const struct command commands[] = {
    {"run", "start the resolver, the proxy and the block page, in the foreground",
     "Usage: ccward run [-c FILE] [--print-config | --annotated] [--quiet]\n"
     "\n"
     "  -c, --config FILE   the configuration (default: $CCWARD_CONFIG, ./ccward.yaml, /etc/ccward/ccward.yaml)\n"
     "      --print-config  print the configuration in force and exit\n"
     "      --annotated     the same with what each option means\n"
     "  -q, --quiet         do not print what is listening and what to try\n"
     "\n"
     "SIGTERM and SIGINT stop it: requests under way finish first. SIGHUP reads the configuration again.\n"
     "SIGUSR1 opens the callback log anew.\n",
     cmd_run},
    {"check-config", "check a configuration; names file, line and field of each fault",
     "Usage: ccward check-config [-c FILE]\n"
     "\n"
     "  -c, --config FILE   the configuration (default: as for `ccward run`)\n"
     "\n"
     "Exits 0 when it is right, 1 when it has faults or warnings. A key that is not known is a warning, with which "
     "ccward\n"
     "would start all the same; so that no slip is overlooked, it counts here.\n",
     cmd_check_config},
    {"feeds", "import, fetch, list and remove threat feeds",
     "Usage: ccward feeds import FILE|- --feed NAME [--format FORMAT] [--category CATEGORY] [--risk RISK] [--json]\n"
     "       ccward feeds import FILE --dry-run [--format FORMAT] [--dump KIND] [--json]\n"
     "       ccward feeds refresh [NAME [--accept]] [--force] [--json]\n"
     "       ccward feeds list [NAME] [--json]\n"
     "       ccward feeds rollback NAME\n"
     "       ccward feeds verify [NAME] [--json]\n"
     "       ccward feeds rebuild [NAME] [--json]\n"
     "       ccward feeds remove NAME\n"
     "       ccward feeds catalogue [NAME] [--json]\n"
     "       ccward feeds enable NAME [--key env:NAME|file:/PATH] [--monitor]\n"
     "       ccward feeds disable NAME\n"
     "       ccward feeds promote NAME [--dry-run] [--json]\n"
     "       ccward feeds monitor NAME [--json]\n"
     "\n"
     "  -c, --config FILE       the configuration (default: as for `ccward run`)\n"
     "      --feed NAME         the source that the entries become; it replaces what it held before\n"
     "      --format FORMAT     auto (the default), or one of those that docs/feeds.md describes: hosts, domains, "
     "urls,\n"
     "                          ips, wildcard, adblock, dnsmasq, unbound, ...; a wrong one lists them all\n"
     "      --category CATEGORY what the entries are, where the file does not say (default: c2)\n"
     "      --risk RISK         low, medium, high (default: high)\n"
     "      --dry-run           read and report, change nothing\n"
     "      --dump KIND         with --dry-run: print the normalised entries of a kind, sorted, one a line: names, "
     "urls, ips,\n"
     "                          cidrs, ip-ports, exact-names, allow-names\n"
     "      --json              print the report as JSON\n"
     "      --accept            refresh: take a list that has shrunk or grown too much, or was rolled back\n"
     "      --force             refresh: do not wait for as long as the publisher wants between two downloads\n"
     "\n"
     "rollback puts the list before in force again; verify reads every byte of what is in force (exit code 1: "
     "damaged);\n"
     "rebuild makes sources again from the kept copies of their lists, without the network.\n"
     "\n"
     "catalogue shows well-known feeds; enable takes one without touching the configuration, disable gives it up with "
     "its\n"
     "entries. promote lets a feed that only monitors block, and says before what it would have blocked; monitor "
     "takes\n"
     "that back.\n"
     "      --catalogue FILE    another catalogue than that of the program\n"
     "      --key PLACE         where the feed's key is: a variable of the environment, or a file that only its owner "
     "can\n"
     "                          read\n"
     "      --monitor           record, but do not block, what the feed lists\n"
     "      --dry-run           of promote: say, and change nothing\n"
     "\n"
     "Works with or without a running daemon, which sees the change within a second.\n",
     cmd_feeds},
    {"why", "say what would happen to a name, a URL or an address, and which source says so",
     "Usage: ccward why [-c FILE] [--client IP] [--type TYPE] [--json | --quiet] NAME|URL|IP[:PORT]\n"
     "\n"
     "  -c, --config FILE   the configuration (default: as for `ccward run`)\n"
     "      --client IP     who asks (default: 127.0.0.1): its group decides\n"
     "      --type TYPE     the type of record that the name is asked for: A, AAAA, HTTPS, ... (default: any)\n"
     "      --json          print as JSON\n"
     "  -q, --quiet         print nothing, and let the exit code tell: 0 allow, 3 log, 4 block, 2 bad input\n",
     cmd_why},
    {"allow", "let a name, URL, address or network pass, whatever the feeds say",
     "Usage: ccward allow SUBJECT... [--for TIME] [--group GROUP] [--log-only] [--note TEXT] [OPTION...]\n"
     "\n" ENTRY_HELP,
     cmd_entry},
    {"deny", "block a name, URL, address or network, whatever the feeds say",
     "Usage: ccward deny SUBJECT... [--for TIME] [--group GROUP] [--log-only] [--note TEXT] [OPTION...]\n"
     "\n" ENTRY_HELP,
     cmd_entry},
    {"lists", "show, take back, import and export what was allowed and denied",
     "Usage: ccward lists [--json]\n"
     "       ccward lists remove SUBJECT... [--group GROUP] [--exact] [--json]\n"
     "       ccward lists export [FILE]\n"
     "       ccward lists import FILE [--force]\n"
     "       ccward lists import FILE --allow|--deny [--for TIME] [--group GROUP] [--log-only] [--note TEXT] ...\n"
     "\n"
     "  -c, --config FILE   the configuration (default: as for `ccward run`)\n"
     "      --json          print as JSON\n"
     "      --group GROUP   of the entries that are for this group alone\n"
     "\n"
     "`import` reads what `export` wrote, or, with --allow or --deny, a plain list: a subject a line, `#` starts a\n"
     "comment; the other options are those of `ccward allow`. It takes all of a file or nothing.\n",
     cmd_lists},
    {"reports", "show what people have reported as blocked by mistake, and settle it",
     "Usage: ccward reports [--all] [--json]\n"
     "       ccward reports show ID [--json]\n"
     "       ccward reports done ID... [--allow [--for TIME] [--group GROUP] [--note TEXT]] [--json]\n"
     "\n"
     "  ID                  the number that the list begins with\n"
     "      --all           also those that are done\n"
     "      --allow         `ccward allow` the host as well, with all below it; done without it leaves the block\n"
     "      --exact         the host without what is below it\n"
     "      --for TIME      it ends by itself: 15m, 8h, 7d (default: never)\n"
     "      --group GROUP   for the clients of this group of the configuration alone\n"
     "      --note TEXT     a few words for whoever reads it later (default: which report it was)\n"
     "      --json          print as JSON\n"
     "  -c, --config FILE   the configuration (default: as for `ccward run`)\n"
     "\n"
     "Reports come from the form on the block page (docs/block-page.md). None of them changes what is blocked: look "
     "at\n"
     "the host with `ccward why` first, since what reports it may be the malware itself.\n",
     cmd_reports},
    {"cache", "flush answers from the running daemon's DNS cache, and show how it is filled",
     "Usage: ccward cache flush [NAME [--subtree]] [--json]\n"
     "       ccward cache stats [--json]\n"
     "\n"
     "  NAME                forget what is known of this name; without one, everything\n"
     "      --subtree       of all names below it as well\n"
     "      --json          print as JSON\n"
     "  -c, --config FILE   the configuration (default: as for `ccward run`)\n"
     "\n"
     "Is for the user of the service and root. Exits 0 when it was done, 3 when no daemon is running.\n",
     cmd_cache},
    {"query", "ask the running daemon for a name, and show each step of its way to the answer",
     "Usage: ccward query NAME [TYPE] [--client IP] [--dnssec] [--json]\n"
     "\n"
     "  NAME                the name that is asked for; an address: the name that belongs to it\n"
     "  TYPE                A (the default), AAAA, HTTPS, MX, TXT, ...\n"
     "      --client IP     as if this one had asked (default: 127.0.0.1): its group decides\n"
     "      --dnssec        ask for signatures as well\n"
     "      --json          print as JSON\n"
     "  -c, --config FILE   the configuration (default: as for `ccward run`)\n"
     "\n"
     "It is a real query: it may go to an upstream, and its answer is cached. But no callback is recorded. It is asked "
     "like\n"
     "one by TCP, so that nothing is cut off. Is for the user of the service and root.\n"
     "\n"
     "Exits 0 when there was an answer (NXDOMAIN too), 4 when it was blocked, 1 when it failed, 3 when no daemon is "
     "running.\n",
     cmd_query},
    {"ca", "make, show and trust the authority that signs block pages for https://",
     "Usage: ccward ca init [--exclude NAME]...\n"
     "       ccward ca export [FILE] [--der]\n"
     "       ccward ca trust|untrust [--dry-run] [--root DIR]\n"
     "       ccward ca status [--json] [--root DIR]\n"
     "\n"
     "  FILE                where the certificate goes (default, and -: standard output)\n"
     "      --exclude NAME  never sign for NAME and what is below it, and let nobody trust it who did; may be "
     "repeated.\n"
     "                      All addresses, and names like localhost and local, are excluded in any case\n"
     "      --der           as DER, which Windows and Android take, instead of PEM\n"
     "      --dry-run       say what would be changed, and change nothing\n"
     "      --root DIR      of the system in this folder instead of this one\n"
     "      --json          print as JSON\n"
     "  -c, --config FILE   the configuration (default: as for `ccward run`)\n"
     "\n"
     "A running daemon sees a new authority within a second. The key stays in the state directory; docs/https-page.md\n"
     "says what it can and cannot do.\n",
     cmd_ca},
    {"signer", "sign for block pages over https://; started by `ccward run`",
     "Usage: ccward signer --sockets COUNT [-c FILE]\n"
     "\n"
     "      --sockets COUNT  descriptors from 3 on, by which the workers ask\n"
     "  -c, --config FILE    the configuration (default: as for `ccward run`)\n"
     "\n"
     "Is not for the terminal: `ccward run` starts it where `ccward ca init` has made an authority. It alone reads "
     "the\n"
     "key, and signs for names that are blocked at that moment.\n",
     cmd_signer},
    {"status", "say whether it is running and well, and why not",
     "Usage: ccward status [-c FILE] [--json]\n"
     "\n"
     "  -c, --config FILE   the configuration (default: as for `ccward run`)\n"
     "      --json          print as JSON: what /healthz of the console answers, and more\n"
     "\n"
     "Exits 0 when it is running and well, 1 when something is wrong that is told, 3 when it is not running.\n",
     cmd_status},
    {"system-dns", "make this machine ask ccward for names, and take that back",
     "Usage: ccward system-dns enable [--fail-closed] [--manager NAME] [--dry-run] [--json]\n"
     "       ccward system-dns disable [--force] [--dry-run] [--json]\n"
     "       ccward system-dns status [--json]\n"
     "\n"
     "      --dry-run       print what would be changed, file by file, and change nothing\n"
     "      --fail-closed   without a running daemon no names are resolved (default: then they are, unprotected)\n"
     "      --manager NAME  systemd-resolved, networkmanager, resolvconf or plain (default: what is found)\n"
     "      --force         enable: also where the daemon does not run; disable: put back also what someone else\n"
     "                      has changed since\n"
     "      --root DIR      the machine whose files are below DIR; no program is run then\n"
     "      --json          print as JSON\n"
     "  -c, --config FILE   the configuration (default: as for `ccward run`)\n"
     "\n"
     "Each may be called again at any time. `release` and `resume` are for the service: when the daemon stops and\n"
     "starts. docs/system-dns.md tells what is changed and why.\n"
     "\n"
     "Exits 0 when it was done; status: 0 when it is on, 1 when a file is not as it was left, 3 when it is off.\n",
     cmd_system_dns},
    {"system-proxy", "have programs of this machine use the proxy, and take that back",
     "Usage: ccward system-proxy enable [--user] [--force] [--dry-run] [--json]\n"
     "       ccward system-proxy disable [--user] [--dry-run] [--json]\n"
     "       ccward system-proxy status [--user] [--json]\n"
     "\n"
     "      --dry-run       print what would be changed, file by file, and change nothing\n"
     "      --user          the settings of this user alone, which is so in any case for all but root\n"
     "      --force         enable: also where no proxy answers\n"
     "      --root DIR      the machine whose files are below DIR, with --user the home; no program is run then\n"
     "      --json          print as JSON\n"
     "  -c, --config FILE   the configuration (default: as for `ccward run`)\n"
     "\n"
     "For root it writes /etc/environment, the defaults of GNOME and KDE, and policies of browsers; for a user the\n"
     "settings of GNOME and KDE and variables of the session. Each may be called again at any time.\n"
     "docs/system-proxy.md tells what is changed, and how to set up by hand what is not.\n"
     "\n"
     "Exits 0 when it was done, 1 when a part of it could not be; status: 0 when it is on, 1 when it is not as it was\n"
     "left, 3 when it is off.\n",
     cmd_system_proxy},
    {"hits", "show the callbacks that were seen",
     "Usage: ccward hits [-c FILE] [--since TIME] [--json | --csv] [--follow]\n"
     "\n"
     "  -c, --config FILE   the configuration (default: as for `ccward run`)\n"
     "      --since TIME    no older than this: 30m, 1h, 7d\n"
     "      --json          JSON Lines, as docs/callback-log.md describes\n"
     "      --csv           comma-separated values with a head line\n"
     "  -f, --follow        go on with what comes, until interrupted\n",
     cmd_hits},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static int print_overview(FILE *out)
{
    fprintf(out,
            "ccward %s: a DNS resolver and HTTP proxy that hangs up on malware calling home\n\n"
            "Usage: ccward COMMAND [OPTION...]\n\n",
            CCWARD_VERSION);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-13s %s\n", commands[i].name, commands[i].summary);
    fprintf(out, "\n`ccward COMMAND --help` says more of each; `ccward --version` prints the version.\n");
    return out == stdout ? EXIT_OK : EXIT_USAGE;
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (!strcmp(commands[i].name, name))
            return &commands[i];
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return print_overview(stderr);
    const char *name = argv[1];
    bool help = !strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help");
    bool version = !strcmp(name, "--version") || !strcmp(name, "-V") || !strcmp(name, "version");
    if (argc > 2 + help && (help || version)) {
        fprintf(stderr, "ccward: '%s' is one word too many; `ccward --help` lists the commands\n", argv[2 + help]);
        return EXIT_USAGE;
    }
    if (version) {
        printf("ccward %s\n", CCWARD_VERSION);
        return EXIT_OK;
    }
    if (help && argc < 3)
        return print_overview(stdout);
    const struct command *command = find_command(help ? argv[2] : name);
    if (!command) {
        fprintf(stderr, "ccward: there is no command '%s'; `ccward --help` lists them\n", help ? argv[2] : name);
        return EXIT_USAGE;
    }
    int code = help ? command_help(command) : command->run(command, argc - 1, argv + 1);
    /* Buffered output that cannot be written is lost: a script must not take it for whole. */
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == EXIT_OK) {
        fprintf(stderr, "ccward: the output cannot be written: %s\n", strerror(errno));
        code = EXIT_FAILED;
    }
    return code;
}
