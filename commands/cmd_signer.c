/* `ccward signer`: the process that alone has the authority's key. `ccward run` starts it. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "commands/command.h"
#include "daemon/signer.h"
#include "daemon/signer_keeper.h"

/* The cage */

/* No network, no other programs, no look into other processes: not even code that an attacker brings in gets the key
 * out by another way than the workers' sockets. What is denied fails with EPERM; a call of another architecture's (32
 * bit, x32), where the numbers mean something else, ends the process. */
static int filter_calls(void)
{
    static const int refused[] = {
        SCMP_SYS(socket),
        SCMP_SYS(socketpair),
        SCMP_SYS(connect),
        SCMP_SYS(bind),
        SCMP_SYS(listen),
        SCMP_SYS(accept),
        SCMP_SYS(accept4),
        SCMP_SYS(execve),
        SCMP_SYS(execveat),
        SCMP_SYS(ptrace),
        SCMP_SYS(pidfd_getfd),
        SCMP_SYS(process_vm_readv),
        SCMP_SYS(process_vm_writev),
        SCMP_SYS(io_uring_setup),
    };
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int failed = filter ? 0 : -ENOMEM;
    for (size_t i = 0; !failed && i < sizeof refused / sizeof refused[0]; i++)
        failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
    if (!failed)
        failed = seccomp_load(filter); /* sets no_new_privs as well */
    seccomp_release(filter);
    return failed;
}

/* Before the key is read: it is in no core file, and no other process of the same user can look at it. */
static void hide_memory(void)
{
    if (prctl(PR_SET_DUMPABLE, 0) != 0)
        log_warning("signer: other processes may look into this one: %s", strerror(errno));
}

static void close_cage(void)
{
    int failed = filter_calls();
    if (failed)
        log_warning("signer: runs without a filter of system calls: %s", strerror(-failed));
}

/* Serving */

static void serve_socket(struct signer *signer, int fd)
{
    uint8_t request[LEAF_REQUEST_MAX + 1], reply[LEAF_REPLY_MAX];
    ssize_t n = recv(fd, request, sizeof request, MSG_DONTWAIT);
    size_t length = n > 0 ? signer_answer(signer, request, (size_t)n, reply) : 0;
    /* A worker that does not read loses its replies; its asks end by themselves. */
    if (length && send(fd, reply, length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        log_debug("signer: a reply is lost: %s", strerror(errno));
    explicit_bzero(reply, sizeof reply);
}

static int serve(struct signer *signer, unsigned count)
{
    struct pollfd polled[SIGNER_MAX_SOCKETS];
    for (unsigned i = 0; i < count; i++)
        polled[i] = (struct pollfd){.fd = SIGNER_FIRST_FD + (int)i, .events = POLLIN};
    for (;;) {
        if (poll(polled, count, -1) < 0 && errno != EINTR)
            return EXIT_FAILED;
        for (unsigned i = 0; i < count; i++) {
            if (polled[i].revents & (POLLHUP | POLLERR | POLLNVAL))
                return EXIT_OK; /* the daemon is gone */
            if (polled[i].revents)
                serve_socket(signer, polled[i].fd);
        }
    }
}

static int run(const struct config *config, unsigned count)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGPIPE};
    struct signer signer;
    struct fault fault = {0};
    /* It serves for as long as the daemon does, which ends it; a terminal's Ctrl-C goes to both. */
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        signal(ignored[i], SIG_IGN);
    log_set_level((enum log_level)config->log.level);
    prctl(PR_SET_NAME, "ccward-signer"); /* for ps and top: its command line is hidden with its memory */
    hide_memory();
    enum status status = signer_open(&signer, config, &fault);
    if (status != ST_OK) {
        log_error("signer: %s; block pages over HTTPS are not shown", fault.text);
        return EXIT_CONFIG;
    }
    close_cage();
    int code = serve(&signer, count);
    signer_close(&signer);
    return code;
}

int cmd_signer(const struct command *command, int argc, char **argv)
{
    const char *path = NULL, *sockets = NULL;
    uint64_t count = 0;
    struct command_option options[] = {{"config", 'c', .text = &path}, {"sockets", .text = &sockets}, {0}};
    int code = command_options(command, options, argc, argv);
    if (code != COMMAND_GO_ON)
        return code;
    if (sockets && text_u64(str_of(sockets), SIGNER_MAX_SOCKETS, &count) != ST_OK)
        return command_misused(command, "--sockets %s: there are 1 to %d", sockets, SIGNER_MAX_SOCKETS);
    if (optind < argc || !count)
        return command_misused(command, "it is `ccward run` that starts it");
    struct config config;
    if (!command_config(path, &config))
        return EXIT_CONFIG;
    code = run(&config, (unsigned)count);
    config_free(&config);
    /* Without the ways of exit(): the sanitizers' last look at the memory needs what is denied here. */
    _exit(code);
}
