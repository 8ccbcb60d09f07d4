/* `ccward signer`: the process that alone has the authority's key. `ccward run` starts it. */
#include <errno.h>
#include <getopt.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/command.h"
#include "daemon/signer.h"
#include "daemon/signer_keeper.h"

/* The cage */

#define REFUSE(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, refusal)

/* No network, no other programs, no look into other processes: not even code that an attacker brings in gets the key
 * out by another way than the workers' sockets. What is denied fails with EPERM. */
static bool filter_calls(void)
{
    enum { refusal = SECCOMP_RET_ERRNO | EPERM };
    static struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        REFUSE(socket),
        REFUSE(socketpair),
        REFUSE(connect),
        REFUSE(bind),
        REFUSE(listen),
        REFUSE(accept),
        REFUSE(accept4),
        REFUSE(execve),
        REFUSE(execveat),
        REFUSE(ptrace),
        REFUSE(process_vm_readv),
        REFUSE(process_vm_writev),
        REFUSE(pidfd_getfd),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Before the key is read: it is in no core file, and no other process of the same user can look at it. */
static void hide_memory(void)
{
    if (prctl(PR_SET_DUMPABLE, 0) != 0)
        log_warning("signer: other processes may look into this one: %s", strerror(errno));
}

static void close_cage(void)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !filter_calls())
        log_warning("signer: runs without a filter of system calls: %s", strerror(errno));
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
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"sockets", required_argument, NULL, 's'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *path = NULL;
    uint64_t count = 0;
    for (int c; (c = getopt_long(argc, argv, ":c:h", options, NULL)) != -1;) {
        if (c == 'c')
            path = optarg;
        else if (c == 'h')
            return command_help(command);
        else if (c != 's')
            return command_bad_option(command, c, argv);
        else if (text_u64(str_of(optarg), SIGNER_MAX_SOCKETS, &count) != ST_OK)
            return command_misused(command, "--sockets %s: there are 1 to %d", optarg, SIGNER_MAX_SOCKETS);
    }
    if (optind < argc || !count)
        return command_misused(command, "it is `ccward run` that starts it");
    struct config config;
    if (!command_config(path, &config))
        return EXIT_CONFIG;
    int code = run(&config, (unsigned)count);
    config_free(&config);
    /* Without the ways of exit(): the sanitizers' last look at the memory needs what is denied here. */
    _exit(code);
}
