/* The files of templates/ and texts/, built into the program (cmake/EmbedFile.cmake). */
#pragma once

#include "base/text.h"

extern const struct str embedded_page_html, embedded_notice_html, embedded_frame_html;
extern const struct str embedded_line_txt, embedded_problem_json;
extern const struct str embedded_en_txt, embedded_ja_txt;
extern const struct str embedded_page_css;      /* as it stands between <style> and </style> of the pages */
extern const struct str embedded_page_css_hash; /* its SHA-256 in base64 */
