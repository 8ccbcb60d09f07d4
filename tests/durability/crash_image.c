#include "tests/durability/crash_image.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "reputation/manifest.h"
#include "tests/durability/feed.h"

enum { SECTOR_BYTES = 512, MAX_FILES = 64, FILE_MAX_BYTES = 16 << 20, ALL_OF_EIGHT = 8 };
static const size_t DIRECTORY = MAX_FILES; /* in place of a file's index */

struct contents {
    uint8_t *bytes;
    size_t length;
};

struct file {
    uint64_t inode;
    struct contents contents;
};

struct event {
    struct recorded head;
    const uint8_t *data;
    size_t file; /* that it is about; DIRECTORY for names, but for a new file's */
};

struct names {
    struct {
        char text[RECORDED_NAME_SIZE];
        size_t file;
    } entries[MAX_FILES];
    size_t count;
};

struct crash_run {
    uint64_t directory;
    struct file files[MAX_FILES]; /* as they were at the start, then those that were made, empty */
    size_t file_count;
    struct names names; /* at the start */
    uint8_t *log;
    struct event *events;
    size_t event_count;
};

/* What is on the disk for certain, and the events that may have got there. */
struct disk {
    const struct crash_run *run;
    struct contents files[MAX_FILES];
    struct names names;
    bool *pending; /* by event */
};

static void *checked(void *memory)
{
    CHECK(memory);
    return memory;
}

static struct contents read_file(const char *path)
{
    FILE *file = checked(fopen(path, "r"));
    struct contents contents = {.bytes = checked(malloc(FILE_MAX_BYTES))};
    contents.length = fread(contents.bytes, 1, FILE_MAX_BYTES, file);
    CHECK(!ferror(file) && contents.length < FILE_MAX_BYTES);
    fclose(file);
    contents.bytes = checked(realloc(contents.bytes, contents.length + 1));
    return contents;
}

static size_t names_find(const struct names *names, const char *text)
{
    size_t i = 0;
    while (i < names->count && strcmp(names->entries[i].text, text))
        i++;
    return i;
}

static void names_remove(struct names *names, const char *text)
{
    size_t at = names_find(names, text);
    if (at < names->count)
        names->entries[at] = names->entries[--names->count];
}

static void names_set(struct names *names, const char *text, size_t file)
{
    names_remove(names, text);
    CHECK(names->count < MAX_FILES);
    snprintf(names->entries[names->count].text, RECORDED_NAME_SIZE, "%s", text);
    names->entries[names->count++].file = file;
}

static void apply_to_names(struct names *names, const struct event *event)
{
    if (event->head.kind == RECORDED_CREATE) {
        names_set(names, event->head.name, event->file);
        return;
    }
    size_t at = names_find(names, event->head.name);
    CHECK(at < names->count);
    size_t file = names->entries[at].file;
    if (event->head.kind != RECORDED_LINK)
        names_remove(names, event->head.name);
    if (event->head.kind != RECORDED_UNLINK)
        names_set(names, event->head.other, file);
}

static size_t add_file(struct crash_run *run, uint64_t inode, struct contents contents)
{
    CHECK(run->file_count < MAX_FILES);
    run->files[run->file_count] = (struct file){inode, contents};
    return run->file_count++;
}

struct crash_run *crash_run_new(const char *dir)
{
    struct crash_run *run = checked(calloc(1, sizeof *run));
    DIR *open = checked(opendir(dir));
    struct stat st;
    CHECK(!stat(dir, &st));
    run->directory = st.st_ino;
    for (struct dirent *entry; (entry = readdir(open));) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        CHECK(!stat(path, &st));
        if (S_ISREG(st.st_mode))
            names_set(&run->names, entry->d_name, add_file(run, st.st_ino, read_file(path)));
    }
    closedir(open);
    return run;
}

static bool is_about_names(const struct event *event)
{
    return event->head.kind == RECORDED_CREATE || event->head.kind == RECORDED_RENAME ||
           event->head.kind == RECORDED_LINK || event->head.kind == RECORDED_UNLINK;
}

/* False: it is about a file elsewhere. */
static bool find_file(struct crash_run *run, struct event *event)
{
    event->file = DIRECTORY;
    if (event->head.kind == RECORDED_CREATE)
        event->file = add_file(run, event->head.inode, (struct contents){checked(calloc(1, 1)), 0});
    if (is_about_names(event) || event->head.inode == run->directory)
        return true;
    for (size_t i = run->file_count; i--;) { /* the latest, as inodes are used again */
        if (run->files[i].inode == event->head.inode) {
            event->file = i;
            return true;
        }
    }
    return false;
}

bool crash_run_read_log(struct crash_run *run, const char *log)
{
    struct contents contents = read_file(log);
    run->log = contents.bytes;
    run->events = checked(calloc(contents.length / sizeof(struct recorded) + 1, sizeof *run->events));
    for (size_t at = 0; at < contents.length;) {
        struct event *event = &run->events[run->event_count];
        if (contents.length - at < sizeof event->head)
            return false;
        memcpy(&event->head, run->log + at, sizeof event->head);
        at += sizeof event->head;
        if (contents.length - at < event->head.length)
            return false;
        event->data = run->log + at;
        at += event->head.length;
        run->event_count += find_file(run, event);
    }
    return true;
}

void crash_run_free(struct crash_run *run)
{
    if (!run)
        return;
    for (size_t i = 0; i < run->file_count; i++)
        free(run->files[i].contents.bytes);
    free(run->events);
    free(run->log);
    free(run);
}

size_t crash_run_events(const struct crash_run *run)
{
    return run->event_count;
}

static void resize(struct contents *contents, size_t length)
{
    CHECK(length < FILE_MAX_BYTES);
    if (length > contents->length) {
        contents->bytes = checked(realloc(contents->bytes, length));
        memset(contents->bytes + contents->length, 0, length - contents->length);
    }
    contents->length = length;
}

/* Each sector of a write survives in OF_EIGHT of eight cases. */
static void apply_to_file(struct contents *contents, const struct event *event, unsigned of_eight)
{
    size_t offset = (size_t)event->head.offset, end = offset + event->head.length;
    if (event->head.kind == RECORDED_TRUNCATE) {
        if (pick(ALL_OF_EIGHT) < of_eight)
            resize(contents, offset);
        return;
    }
    for (size_t at = offset, next; at < end; at = next) {
        next = (at / SECTOR_BYTES + 1) * SECTOR_BYTES;
        next = next < end ? next : end;
        if (pick(ALL_OF_EIGHT) >= of_eight)
            continue;
        if (next > contents->length)
            resize(contents, next);
        memcpy(contents->bytes + at, event->data + (at - offset), next - at);
    }
}

/* What was done to FILE, or to the directory, until now is on the disk. */
static void sync_file(struct disk *disk, size_t file, size_t now)
{
    for (size_t i = 0; i < now; i++) {
        const struct event *event = &disk->run->events[i];
        bool names = is_about_names(event);
        if (!disk->pending[i] || names != (file == DIRECTORY) || (!names && event->file != file))
            continue;
        disk->pending[i] = false;
        if (names)
            apply_to_names(&disk->names, event);
        else
            apply_to_file(&disk->files[file], event, ALL_OF_EIGHT);
    }
}

static void shuffle(size_t *items, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t other = pick((unsigned)i), item = items[i - 1];
        items[i - 1] = items[other];
        items[other] = item;
    }
}

/* Of what was not synced to FILE. */
static void lose_writes(struct disk *disk, size_t file, size_t now, unsigned of_eight, bool in_order)
{
    size_t *events = checked(calloc(now + 1, sizeof *events)), count = 0, longest = 0;
    for (size_t i = 0; i < now; i++) {
        const struct event *event = &disk->run->events[i];
        if (!disk->pending[i] || is_about_names(event) || event->file != file)
            continue;
        events[count++] = i;
        size_t end = (size_t)event->head.offset + event->head.length;
        longest = end > longest ? end : longest;
    }
    if (!in_order)
        shuffle(events, count);
    for (size_t i = 0; i < count; i++)
        apply_to_file(&disk->files[file], &disk->run->events[events[i]], of_eight);
    if (!in_order && pick(2) && longest > disk->files[file].length)
        resize(&disk->files[file], longest); /* the length got there before the bytes */
    free(events);
}

static void lose_names(struct disk *disk, size_t now, bool all_survived)
{
    unsigned pending = 0;
    for (size_t i = 0; i < now; i++)
        pending += disk->pending[i] && is_about_names(&disk->run->events[i]);
    unsigned survive = all_survived ? pending : pick(pending + 1);
    for (size_t i = 0; i < now && survive; i++) {
        if (!disk->pending[i] || !is_about_names(&disk->run->events[i]))
            continue;
        apply_to_names(&disk->names, &disk->run->events[i]);
        survive--;
    }
}

static void run_until_power_fails(struct disk *disk, const struct crash_choice *choice)
{
    for (size_t i = 0; i < choice->events; i++) {
        const struct event *event = &disk->run->events[i];
        if (event->head.kind != RECORDED_SYNC)
            disk->pending[i] = true;
        else if (!choice->forget_syncs)
            sync_file(disk, event->file, i);
    }
    for (size_t file = 0; file < disk->run->file_count; file++) {
        static const unsigned shares[] = {0, 1, 4, 7, ALL_OF_EIGHT};
        unsigned share = shares[pick(sizeof shares / sizeof shares[0])];
        if (choice->all_survived)
            lose_writes(disk, file, choice->events, ALL_OF_EIGHT, true);
        else
            lose_writes(disk, file, choice->events, share, pick(2));
    }
    lose_names(disk, choice->events, choice->all_survived || choice->forget_syncs);
}

static void write_file(const char *dir, const char *name, const struct contents *contents)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = checked(fopen(path, "w"));
    CHECK(fwrite(contents->bytes, 1, contents->length, file) == contents->length && !fclose(file));
}

/* The manifest NAME with the identity of its file in DIR in place of the one that the file had. */
static void write_manifest(const char *dir, const char *name, const struct contents *contents)
{
    static const char field[] = "\"identity\": \"";
    char path[4096], identity[MANIFEST_IDENTITY_SIZE];
    const uint8_t *at = memmem(contents->bytes, contents->length, field, sizeof field - 1);
    const uint8_t *from = at ? at + sizeof field - 1 : NULL, *limit = contents->bytes + contents->length;
    const uint8_t *to = from ? memchr(from, '"', (size_t)(limit - from)) : NULL;
    snprintf(path, sizeof path, "%s/%.*s.mdb", dir, (int)(strlen(name) - 5), name);
    int fd = open(path, O_RDONLY);
    if (fd >= 0 && to && file_identity(fd, identity) == ST_OK) {
        char text[8192];
        int n = snprintf(text, sizeof text, "%.*s%s%.*s", (int)(from - contents->bytes), (const char *)contents->bytes,
                         identity, (int)(limit - to), (const char *)to);
        CHECK(n > 0 && (size_t)n < sizeof text);
        write_file(dir, name, &(struct contents){(uint8_t *)text, (size_t)n});
    } else {
        write_file(dir, name, contents);
    }
    if (fd >= 0)
        close(fd);
}

static void write_image(const struct disk *disk, const char *dir, bool keep_identity)
{
    for (unsigned manifests = 0; manifests < 2; manifests++) { /* these last, as they name the files */
        for (size_t i = 0; i < disk->names.count; i++) {
            const char *name = disk->names.entries[i].text, *end = strrchr(name, '.');
            const struct contents *contents = &disk->files[disk->names.entries[i].file];
            if (manifests != (end && !strcmp(end, ".json")))
                continue;
            if (manifests && keep_identity)
                write_manifest(dir, name, contents);
            else
                write_file(dir, name, contents);
        }
    }
}

void crash_run_image(const struct crash_run *run, const struct crash_choice *choice, const char *out)
{
    struct disk disk = {.run = run, .names = run->names};
    disk.pending = checked(calloc(run->event_count + 1, sizeof *disk.pending));
    for (size_t i = 0; i < run->file_count; i++) {
        const struct contents *contents = &run->files[i].contents;
        disk.files[i] = (struct contents){checked(malloc(contents->length + 1)), contents->length};
        memcpy(disk.files[i].bytes, contents->bytes, contents->length);
    }
    run_until_power_fails(&disk, choice);
    write_image(&disk, out, choice->keep_identity);
    for (size_t i = 0; i < run->file_count; i++)
        free(disk.files[i].bytes);
    free(disk.pending);
}
