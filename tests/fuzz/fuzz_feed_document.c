/* JSON as feeds bring it, split into its documents. */
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "feeds/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lines lines;
    struct document document;
    struct fault fault = {0};
    size_t count = 0;
    int fd = memfd_create("document", MFD_CLOEXEC);
    CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size && !lseek(fd, 0, SEEK_SET));
    if (lines_init(&lines, fd) == ST_OK) {
        enum status st = document_open(&document, &lines, "fuzz", &fault);
        for (; st == ST_OK && document.root; count++)
            st = document_next(&document, &fault);
        CHECK(st == ST_OK || fault.text[0]);
        CHECK(count <= size);
        document_close(&document);
    }
    lines_fini(&lines);
    close(fd);
    return 0;
}
