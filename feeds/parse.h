/* A file's lines through a format to a sink. */
#pragma once

#include "feeds/feeds.h"

/* As feed_parse(), of what is left to read in FD. NAME stands in messages. */
enum status parse_fd(int fd, const char *name, const struct feed *feed, bool progress, const struct feed_sink *sink,
                     struct feed_report *report, struct fault *fault) MUST_CHECK;
