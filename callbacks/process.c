/* client address and port -> inode of the socket and user (socket_owner.c) -> /proc/PID/fd (proc(5)). */
#include "callbacks/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "callbacks/socket_owner.h"

enum {
    KNOWN_MAX = 16,       /* programs found lately, which are looked at first: a browser opens many sockets */
    CREDIT_MS = 50,       /* a look-up's credit grows back in this time; one that takes long costs ten times its time */
    CREDIT_MAX_MS = 500,  /* ten look-ups at once */
    REMEMBERED_MS = 2000, /* a socket is not looked up again; short, since ports are used again */
    REMEMBERED_MAX = 64,
};

struct remembered {
    struct addr client;
    bool udp;
    int64_t until_ms;
    struct process process;
};

struct process_finder {
    struct socket_owner_ways ways;
    int64_t credit_ms, credited_ms;
    int known[KNOWN_MAX];
    unsigned next_known, next_remembered;
    struct remembered remembered[REMEMBERED_MAX];
};

struct process_finder *process_finder_new(void)
{
    struct process_finder *finder = calloc(1, sizeof *finder);
    if (finder) {
        finder->credit_ms = CREDIT_MAX_MS;
        finder->credited_ms = clock_mono_ms();
    }
    return finder;
}

void process_finder_free(struct process_finder *finder)
{
    free(finder);
}

static bool process_has_socket(int pid, const char *link)
{
    char path[PATH_MAX], target[64];
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *fds = opendir(path);
    if (!fds)
        return false;
    bool found = false;
    for (struct dirent *entry; !found && (entry = readdir(fds));) {
        ssize_t n = readlinkat(dirfd(fds), entry->d_name, target, sizeof target - 1);
        found = n > 0 && str_eq((struct str){target, (size_t)n}, str_of(link));
    }
    closedir(fds);
    return found;
}

static int find_pid(struct process_finder *finder, uint64_t inode)
{
    char link[64];
    snprintf(link, sizeof link, "socket:[%llu]", (unsigned long long)inode);
    for (unsigned i = 0; i < KNOWN_MAX; i++)
        if (finder->known[i] && process_has_socket(finder->known[i], link))
            return finder->known[i];
    DIR *proc = opendir("/proc");
    if (!proc)
        return 0;
    int found = 0;
    for (struct dirent *entry; !found && (entry = readdir(proc));) {
        uint64_t pid;
        if (text_u64(str_of(entry->d_name), INT_MAX, &pid) == ST_OK && process_has_socket((int)pid, link))
            found = (int)pid;
    }
    closedir(proc);
    if (found)
        finder->known[finder->next_known++ % KNOWN_MAX] = found;
    return found;
}

/* The file's name; what a process calls itself (comm) only where the file can't be seen. */
static void read_name(int pid, char out[PROCESS_NAME_SIZE])
{
    char path[64], target[PATH_MAX];
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    ssize_t n = readlink(path, target, sizeof target);
    if (n > 0) {
        const char *slash = memrchr(target, '/', (size_t)n);
        size_t start = slash ? (size_t)(slash - target) + 1 : 0;
        text_copy(out, PROCESS_NAME_SIZE, (struct str){target + start, (size_t)n - start});
        return;
    }
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    if (fgets(out, PROCESS_NAME_SIZE, file))
        out[strcspn(out, "\n")] = '\0';
    fclose(file);
}

/* From the file alone: a name service over the network might ask this very program. */
static void read_user(uint64_t uid, char out[PROCESS_NAME_SIZE])
{
    snprintf(out, PROCESS_NAME_SIZE, "%llu", (unsigned long long)uid);
    FILE *file = fopen("/etc/passwd", "re");
    if (!file)
        return;
    for (struct passwd *entry; (entry = fgetpwent(file));)
        if (entry->pw_uid == uid) {
            text_copy(out, PROCESS_NAME_SIZE, str_of(entry->pw_name));
            break;
        }
    fclose(file);
}

static void look_up(struct process_finder *finder, const struct callback *callback, struct process *process)
{
    struct socket_owner owner;
    if (!socket_owner_find(&finder->ways, callback, &owner))
        return;
    read_user(owner.uid, process->user);
    process->pid = find_pid(finder, owner.inode);
    if (process->pid)
        read_name(process->pid, process->name);
}

static const struct remembered *find_remembered(const struct process_finder *finder, const struct callback *callback,
                                                int64_t now_ms)
{
    for (unsigned i = 0; i < REMEMBERED_MAX; i++) {
        const struct remembered *one = &finder->remembered[i];
        if (one->until_ms > now_ms && one->udp == callback->udp && one->client.port == callback->client.port &&
            addr_same_ip(&one->client, &callback->client))
            return one;
    }
    return NULL;
}

static bool has_credit(struct process_finder *finder, int64_t now_ms)
{
    finder->credit_ms += now_ms - finder->credited_ms;
    finder->credited_ms = now_ms;
    if (finder->credit_ms > CREDIT_MAX_MS)
        finder->credit_ms = CREDIT_MAX_MS;
    return finder->credit_ms >= CREDIT_MS;
}

bool process_find(struct process_finder *finder, const struct callback *callback, struct process *process)
{
    *process = (struct process){0};
    bool local = addr_is_loopback(&callback->client) || addr_same_ip(&callback->client, &callback->local);
    if (!local || !callback->client.port)
        return false;
    int64_t start_ms = clock_mono_ms();
    const struct remembered *known = find_remembered(finder, callback, start_ms);
    if (known) {
        *process = known->process;
        return process->user[0] != '\0';
    }
    if (!has_credit(finder, start_ms))
        return false;
    look_up(finder, callback, process);
    int64_t end_ms = clock_mono_ms(), cost_ms = (end_ms - start_ms) * 10;
    finder->credit_ms -= cost_ms > CREDIT_MS ? cost_ms : CREDIT_MS;
    finder->remembered[finder->next_remembered++ % REMEMBERED_MAX] =
        (struct remembered){callback->client, callback->udp, end_ms + REMEMBERED_MS, *process};
    return process->user[0] != '\0';
}
