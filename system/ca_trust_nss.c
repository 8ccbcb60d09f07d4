/* Databases of NSS, which Firefox has in each profile and Chromium in a user's home, by certutil of libnss3-tools. */
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system/ca_trust.h"

static const char certutil[] = "/usr/bin/certutil";

/* As the owner of the folder: root writes nothing into what a user may have led elsewhere. */
static int run_certutil(const struct ca_trust *trust, const char *dir, const struct stat *owner, const char *verb)
{
    char database[PATH_MAX + 8];
    snprintf(database, sizeof database, "sql:%s", dir);
    bool adds = verb[1] == 'A';
    const char *argv[] = {certutil,           verb, "-d",  database, "-n", trust->facts->name,
                          adds ? "-a" : NULL, "-t", "C,,", NULL};
    return ca_trust_run(argv, trust->pem, owner->st_uid, owner->st_gid);
}

static void change_database(struct ca_trust *trust, enum trust_change change, const char *file, struct buf *places)
{
    char dir[PATH_MAX];
    struct stat owner;
    struct fault fault = {0};
    text_copy(dir, sizeof dir, (struct str){file, (size_t)(strrchr(file, '/') - file)});
    if (lstat(dir, &owner) || !S_ISDIR(owner.st_mode) || (geteuid() && owner.st_uid != geteuid()))
        return;
    bool there = run_certutil(trust, dir, &owner, "-L") == 0;
    if (change == TRUST_LOOK) {
        if (there)
            buf_printf(places, "the NSS database %s\n", dir);
        return;
    }
    if (there == (change == TRUST_INSTALL) || !ca_trust_begin(trust, change, dir))
        return;
    if (run_certutil(trust, dir, &owner, change == TRUST_INSTALL ? "-A" : "-D") == 0)
        return;
    fault_set(&fault, ST_IO, "certutil does not do it; the browser may be running, or a password may be set");
    ca_trust_failed(trust, dir, &fault);
}

static void change_matching(struct ca_trust *trust, enum trust_change change, const char *home, struct buf *places)
{
    static const char *const patterns[] = {"/.pki/nssdb/cert9.db", "/.mozilla/firefox/*/cert9.db",
                                           "/snap/firefox/common/.mozilla/firefox/*/cert9.db",
                                           "/.var/app/org.mozilla.firefox/.mozilla/firefox/*/cert9.db"};
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        char pattern[PATH_MAX];
        glob_t found;
        int n = snprintf(pattern, sizeof pattern, "%s%s", home, patterns[i]);
        if (n < 0 || (size_t)n >= sizeof pattern || glob(pattern, 0, NULL, &found) != 0)
            continue;
        for (size_t k = 0; k < found.gl_pathc; k++)
            change_database(trust, change, found.gl_pathv[k], places);
        globfree(&found);
    }
}

void ca_trust_nss(struct ca_trust *trust, enum trust_change change, struct buf *places)
{
    char homes[PATH_MAX], root_home[PATH_MAX];
    const char *own = getenv("HOME");
    if (access(certutil, X_OK) != 0)
        return;
    if (!trust->root[0] && geteuid()) {
        if (own)
            change_matching(trust, change, own, places);
    } else if (ca_trust_path(trust, "/home/*", homes, sizeof homes) &&
               ca_trust_path(trust, "/root", root_home, sizeof root_home)) {
        change_matching(trust, change, homes, places);
        change_matching(trust, change, root_home, places);
    }
}
