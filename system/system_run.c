#include "system/system_run.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { OUTPUT_MAX_BYTES = 1 << 16 };

void system_run_line(const char *const words[], char *out, size_t size)
{
    out[0] = '\0';
    for (size_t i = 0; words[i]; i++)
        snprintf(out + strlen(out), size - strlen(out), "%s%s", i ? " " : "", words[i]);
}

/* 0, or errno. OUTPUT: -1 for ours. */
static int spawn(const char *const words[], int input, int output, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error)
        return error;
    error = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    if (!error && output >= 0)
        error = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (!error) /* exec does not change the words; its prototype is older than const. */
        error = posix_spawnp(pid, words[0], &actions, NULL, (char *const *)(uintptr_t)words, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static void read_all(int fd, struct buf *output)
{
    char chunk[4096];
    for (ssize_t n; (n = read(fd, chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR);)
        if (n > 0 && output->length < OUTPUT_MAX_BYTES)
            buf_add(output, chunk, (size_t)n);
}

static int wait_for(pid_t pid, int *wait_status)
{
    while (waitpid(pid, wait_status, 0) < 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

enum status system_run(const char *const words[], const char *input, struct buf *output, int *wait_status,
                       struct fault *fault)
{
    int in[2], out[2] = {-1, -1}, error = 0;
    size_t n = strlen(input);
    pid_t pid;
    if (pipe2(in, O_CLOEXEC))
        return fault_errno(fault, ST_IO, "no pipe for %s", words[0]);
    if (output && pipe2(out, O_CLOEXEC))
        error = errno;
    if (!error && write(in[1], input, n) != (ssize_t)n) /* few bytes: a pipe holds them */
        error = EIO;
    close(in[1]);
    if (!error)
        error = spawn(words, in[0], out[1], &pid);
    close(in[0]);
    if (out[1] >= 0)
        close(out[1]);
    if (!error && output)
        read_all(out[0], output);
    if (out[0] >= 0)
        close(out[0]);
    if (!error)
        error = wait_for(pid, wait_status);
    errno = error;
    return error ? fault_errno(fault, ST_IO, "`%s` cannot be run", words[0]) : ST_OK;
}
