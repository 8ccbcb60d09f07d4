/* Compressed and other bytes, unpacked within small bounds. */
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "feeds/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct body_limits limits = {.max_bytes = 4 * 1024 * 1024, .max_ratio = 200};
    static char out[10000];
    struct body body;
    ssize_t n;
    uint64_t sum = 0;
    int fd = memfd_create("body", MFD_CLOEXEC);
    CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size && !lseek(fd, 0, SEEK_SET));
    CHECK(body_open(&body, fd, &limits) == ST_OK);
    while ((n = body_read(&body, out, sizeof out)) > 0)
        sum += (uint64_t)n;
    CHECK(sum <= limits.max_bytes || sum == size);
    CHECK(n == 0 || body.reason[0]);
    body_close(&body);
    close(fd);
    return 0;
}
