/* The callback log as anybody may have left it, read from a file and printed in every form. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "callbacks/hits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/tmp/ccward-fuzz-XXXXXX";
static char path[64];
static FILE *nowhere;

static void remove_dir(void)
{
    unlink(path);
    rmdir(dir);
}

static void start(void)
{
    CHECK(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/callbacks.jsonl", dir);
    nowhere = fopen("/dev/null", "we");
    CHECK(nowhere);
    CHECK(!atexit(remove_dir));
}

/* Whatever the log holds, a terminal gets no control characters. */
static void check_output(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        CHECK(((unsigned char)text[i] >= 0x20 || text[i] == '\n' || text[i] == '\r') && text[i] != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!nowhere)
        start();
    FILE *file = fopen(path, "we");
    CHECK(file);
    CHECK(fwrite(data, 1, size, file) == size);
    fclose(file);
    for (enum hits_form form = HITS_TABLE; form <= HITS_CSV; form++) {
        char *text = NULL;
        size_t length;
        struct fault fault = {0};
        struct hits_settings settings = {.state_dir = dir, .form = form};
        FILE *out = open_memstream(&text, &length);
        CHECK(out);
        CHECK(hits_print_to(&settings, out, nowhere, &fault) == ST_OK);
        fclose(out);
        check_output(text, length);
        free(text);
    }
    return 0;
}
