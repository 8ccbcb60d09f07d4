#include "feeds/secret.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

static bool is_control(char c)
{
    return (unsigned char)c < ' ' || c == 0x7f;
}

static bool is_end_of_line(char c)
{
    return c == '\n' || c == '\r';
}

/* LINES: all of them count. */
static enum status take_text(struct str text, bool lines, const char *place, struct secret *secret, struct fault *fault)
{
    const char *end = text.length && !lines ? memchr(text.data, '\n', text.length) : NULL;
    if (end)
        text.length = (size_t)(end - text.data);
    while (lines && text.length && is_end_of_line(text.data[text.length - 1]))
        text.length--;
    if (text.length && text.data[text.length - 1] == '\r')
        text.length--;
    text = str_trim(text);
    if (!text.length)
        return fault_set(fault, ST_INVALID, "the key is empty: look at %s", place);
    if (text.length >= SECRET_SIZE)
        return fault_set(fault, ST_INVALID, "the key is longer than %d bytes: look at %s", SECRET_SIZE - 1, place);
    for (size_t i = 0; i < text.length; i++)
        if (is_control(text.data[i]) && /* could end a header and start another */
            !(lines && (is_end_of_line(text.data[i]) || text.data[i] == '\t')))
            return fault_set(fault, ST_INVALID, "the key has control bytes: look at %s", place);
    text_copy(secret->text, sizeof secret->text, text);
    return ST_OK;
}

static enum status check_file(int fd, const char *path, struct fault *fault)
{
    struct stat about;
    if (fstat(fd, &about))
        return fault_errno(fault, ST_IO, "can't read the key in %s", path);
    if (!S_ISREG(about.st_mode))
        return fault_set(fault, ST_DENIED, "the key is to be in a file, which %s is not", path);
    if (about.st_uid != geteuid() && about.st_uid != 0)
        return fault_set(fault, ST_DENIED, "the key in %s is not taken: the file belongs to someone else (user %u)",
                         path, (unsigned)about.st_uid);
    if (about.st_mode & 0177)
        return fault_set(fault, ST_DENIED,
                         "the key in %s is not taken: others could read or change it (mode %04o); say `chmod 600 %s`",
                         path, (unsigned)about.st_mode & 07777, path);
    return ST_OK;
}

static enum status read_file(const char *place, const char *path, bool lines, struct secret *secret,
                             struct fault *fault)
{
    char text[2 * SECRET_SIZE];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return fault_errno(fault, ST_NOT_FOUND, "can't read the key in %s", path);
    enum status st = check_file(fd, path, fault);
    ssize_t n = st == ST_OK ? read(fd, text, sizeof text) : 0;
    if (n < 0)
        st = fault_errno(fault, ST_IO, "can't read the key in %s", path);
    close(fd);
    if (st == ST_OK)
        st = take_text((struct str){text, (size_t)n}, lines, place, secret, fault);
    explicit_bzero(text, sizeof text);
    return st;
}

static enum status read_place(const char *place, bool lines, struct secret *secret, struct fault *fault)
{
    struct str text = str_of(place);
    *secret = (struct secret){0};
    if (!text.length)
        return ST_OK;
    if (str_starts(text, STR("file:")))
        return read_file(place, place + 5, lines, secret, fault);
    if (!str_starts(text, STR("env:")))
        return fault_set(fault, ST_INVALID, "'%s' is no place of a key", place);
    const char *value = getenv(place + 4);
    if (!value)
        return fault_set(fault, ST_NOT_FOUND, "there is no key: the environment has no variable %s", place + 4);
    return take_text(str_of(value), lines, place, secret, fault);
}

enum status secret_read(const char *place, struct secret *secret, struct fault *fault)
{
    return read_place(place, false, secret, fault);
}

enum status secret_read_lines(const char *place, struct secret *secret, struct fault *fault)
{
    return read_place(place, true, secret, fault);
}

void secret_wipe(struct secret *secret)
{
    explicit_bzero(secret, sizeof *secret);
}

void secret_hide(const struct secret *secret, char *text)
{
    static const char stars[] = "***";
    size_t n = secret ? strlen(secret->text) : 0, short_n = sizeof stars - 1;
    for (char *at = text; n >= short_n && (at = strstr(at, secret->text)); at += short_n) {
        memcpy(at, stars, short_n);
        memmove(at + short_n, at + n, strlen(at + n) + 1);
    }
}
