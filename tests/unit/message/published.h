/* Cases that other projects publish, read where CCWARD_SHARED_DATA says; a test that needs them skips by name where
 * they are absent. */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

/* The file in memory of its exact size, or data NULL; free() it. */
static inline struct str published_file(const char *folder, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s/%s", CCWARD_SHARED_DATA, folder, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        return (struct str){0};
    struct buf all = {0};
    char piece[4096];
    for (size_t n; (n = fread(piece, 1, sizeof piece, file));)
        buf_add(&all, piece, n);
    fclose(file);
    char *exact = malloc(all.length ? all.length : 1);
    if (exact && all.length)
        memcpy(exact, all.data, all.length);
    struct str text = {exact, all.length};
    buf_free(&all);
    return text;
}

static inline void published_free(struct str file)
{
    free((void *)(uintptr_t)file.data);
}

/* Calls ON_FILE for each file of the folder; returns how many there were. */
static inline unsigned published_each(const char *folder, void (*on_file)(const char *folder, const char *name))
{
    char path[1024];
    unsigned n = 0;
    snprintf(path, sizeof path, "%s/%s", CCWARD_SHARED_DATA, folder);
    DIR *dir = opendir(path);
    if (!dir)
        return 0;
    for (struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.') {
            on_file(folder, entry->d_name);
            n++;
        }
    closedir(dir);
    return n;
}

/* Takes a line off TEXT and its tab-separated cells; false at the end. */
enum { PUBLISHED_CELLS = 6 };
static inline bool published_row(struct str *text, struct str cells[PUBLISHED_CELLS])
{
    struct str line;
    if (!text->length)
        return false;
    if (!str_cut(*text, '\n', &line, text)) {
        line = *text;
        text->length = 0;
    }
    for (size_t i = 0; i < PUBLISHED_CELLS; i++)
        if (!str_cut(line, '\t', &cells[i], &line)) {
            cells[i] = line;
            line.length = 0;
        }
    return true;
}
