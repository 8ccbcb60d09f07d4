/* What the program says about itself meanwhile: standard error goes into a file in memory. */
#pragma once

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct log_capture {
    int before, fd;
    char text[8192];
};

static inline void log_capture_begin(struct log_capture *capture)
{
    *capture = (struct log_capture){.before = dup(STDERR_FILENO), .fd = memfd_create("log", MFD_CLOEXEC)};
    dup2(capture->fd, STDERR_FILENO);
}

/* Gives the text, and how often WORD stands in it. */
static inline unsigned log_capture_end(struct log_capture *capture, const char *word)
{
    unsigned count = 0;
    dup2(capture->before, STDERR_FILENO);
    ssize_t n = pread(capture->fd, capture->text, sizeof capture->text - 1, 0);
    capture->text[n > 0 ? n : 0] = '\0';
    close(capture->before);
    close(capture->fd);
    for (const char *at = capture->text; (at = strstr(at, word)); at++)
        count++;
    return count;
}
