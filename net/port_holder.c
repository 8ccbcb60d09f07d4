#include "net/port_holder.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"

enum { MAX_INODES = 64, PROC_TCP_LISTEN = 0x0a, HEX_V4 = 8, HEX_V6 = 32 };

struct inodes {
    uint64_t inode[MAX_INODES];
    size_t count;
};

static uint8_t hex_byte(const char *hex)
{
    return (uint8_t)(hex_value(hex[0]) << 4 | hex_value(hex[1]));
}

/* "0100007F:14D7": the address as 32-bit words in the machine's byte order. */
static bool parse_local(struct str text, struct addr *addr)
{
    struct str ip, port;
    if (!str_cut(text, ':', &ip, &port) || (ip.length != HEX_V4 && ip.length != HEX_V6) || port.length != 4)
        return false;
    for (size_t i = 0; i < text.length; i++)
        if (hex_value(text.data[i]) < 0 && i != ip.length)
            return false;
    uint8_t bytes[16];
    for (size_t at = 0; at < ip.length / 2; at += 4) {
        uint32_t word = 0;
        for (size_t i = 0; i < 4; i++)
            word = word << 8 | hex_byte(ip.data + 2 * (at + i));
        memcpy(bytes + at, &word, sizeof word); /* printed as a number, so the value's bytes are the address's */
    }
    *addr = addr_v4(0, 0);
    memcpy(ip.length == HEX_V4 ? addr->ip + 12 : addr->ip, bytes, ip.length / 2);
    addr->port = (uint16_t)(hex_byte(port.data) << 8 | hex_byte(port.data + 2));
    return true;
}

/* A line of /proc/net/tcp and its kin: number, local address, remote address, state, ..., inode as the tenth word. */
static void take_line(struct str line, const struct addr *wanted, bool listening_only, struct inodes *found)
{
    struct addr local;
    struct str state = {0}, word = {0};
    for (unsigned i = 0; i < 10; i++) {
        word = str_word(&line);
        if (i == 1 && !parse_local(word, &local))
            return;
        if (i == 3)
            state = word;
    }
    uint64_t inode;
    if (local.port != wanted->port || text_u64(word, UINT64_MAX, &inode) != ST_OK || !inode)
        return;
    if (listening_only && (state.length != 2 || hex_byte(state.data) != PROC_TCP_LISTEN))
        return;
    bool conflict = addr_same_ip(&local, wanted) || addr_is_unspecified(&local) || addr_is_unspecified(wanted);
    if (conflict && found->count < MAX_INODES)
        found->inode[found->count++] = inode;
}

static void take_table(const char *path, const struct addr *wanted, bool listening_only, struct inodes *found)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    char line[512];
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        take_line(str_of(line), wanted, listening_only, found);
    }
    fclose(file);
}

static bool is_one_of(const char *link, const struct inodes *inodes)
{
    for (size_t i = 0; i < inodes->count; i++) {
        char text[48];
        snprintf(text, sizeof text, "socket:[%" PRIu64 "]", inodes->inode[i]);
        if (!strcmp(link, text))
            return true;
    }
    return false;
}

static bool process_has(const char *pid, const struct inodes *inodes)
{
    char path[300];
    snprintf(path, sizeof path, "/proc/%s/fd", pid);
    DIR *folder = opendir(path);
    if (!folder)
        return false;
    bool found = false;
    for (struct dirent *entry; !found && (entry = readdir(folder));) {
        char link[64];
        ssize_t n = readlinkat(dirfd(folder), entry->d_name, link, sizeof link - 1);
        if (n < 0)
            continue;
        link[n] = '\0';
        found = is_one_of(link, inodes);
    }
    closedir(folder);
    return found;
}

static void describe(const char *pid, char out[PORT_HOLDER_TEXT_SIZE])
{
    char path[300], name[64] = "", shown[32];
    snprintf(path, sizeof path, "/proc/%s/comm", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, name, sizeof name - 1);
    if (fd >= 0)
        close(fd);
    name[n > 0 ? n : 0] = '\0';
    name[strcspn(name, "\n")] = '\0';
    text_printable(shown, sizeof shown, str_of(name));
    snprintf(out, PORT_HOLDER_TEXT_SIZE, "%s (process %.10s)", shown[0] ? shown : "a program", pid);
}

bool port_holder_find(const struct addr *addr, int sock_type, char out[PORT_HOLDER_TEXT_SIZE])
{
    struct inodes inodes = {0};
    bool tcp = sock_type == SOCK_STREAM;
    take_table(tcp ? "/proc/net/tcp" : "/proc/net/udp", addr, tcp, &inodes);
    take_table(tcp ? "/proc/net/tcp6" : "/proc/net/udp6", addr, tcp, &inodes);
    DIR *proc = inodes.count ? opendir("/proc") : NULL;
    if (!proc)
        return false;
    bool found = false;
    for (struct dirent *entry; !found && (entry = readdir(proc));) {
        found = ascii_digit(entry->d_name[0]) && process_has(entry->d_name, &inodes);
        if (found)
            describe(entry->d_name, out);
    }
    closedir(proc);
    return found;
}
