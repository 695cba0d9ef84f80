/* Whether a file is the one that is wanted: its size, its SHA-256 or MD5, and that it is no web page in the place of an archive. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "../base/error.h"
#include "file.h"
#include "hash.h"
#include "transfer.h"

enum { HEAD = 4096, TITLE = 60 };

/* How a text begins that a server sends instead of a file. */
static const struct {
  const char *mark, *name;
} strangers[] = {
  {"<!doctype html", "a web page"},
  {"<html", "a web page"},
  {"<head", "a web page"},
  {"<!--", "a web page"},
  {"<?xml", "a message in XML"},
  {"version https://git-lfs.github.com", "a Git LFS pointer"},
};

static void title_of(const char *text, char *title) {
  const char *from = strcasestr(text, "<title");
  title[0] = 0;
  if (!from || !(from = strchr(from, '>'))) return;
  from += 1 + strspn(from + 1, " \t\r\n");
  size_t n = strcspn(from, "<\r\n");
  if (n > TITLE) n = TITLE;
  memcpy(title, from, n);
  title[n] = 0;
  for (char *at = title; *at; at++)
    if ((unsigned char)*at < 32) *at = ' ';
}

int32_t ra_stranger(const char *path, char *why) {
  char text[HEAD + 1], title[TITLE + 1];
  why[0] = 0;
  FILE *file = fopen(path, "rb");
  if (!file) return ra_fail(RA_ERR_IO, "cannot read '%s': %s", path, strerror(errno));
  text[fread(text, 1, HEAD, file)] = 0;
  (void)fclose(file);
  const char *from = text + (strncmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0);
  from += strspn(from, " \t\r\n");
  for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
    if (strncasecmp(from, strangers[i].mark, strlen(strangers[i].mark)) != 0) continue;
    title_of(text, title);
    snprintf(why, RA_TRANSFER_TEXT, "%s came%s%s%s, not the file; open the address in a browser, it may want a login or a click there",
             strangers[i].name, *title ? " ('" : "", title, *title ? "')" : "");
    return RA_OK;
  }
  return RA_OK;
}

/* Whether such a text may be what is wanted: PATH.part of a file whose name says so. */
static bool is_text(const char *path) {
  return strcasestr(path, ".htm") || strcasestr(path, ".xml") || strcasestr(path, ".svg");
}

bool ra_wanted_has_sum(const ra_wanted *wanted) { return wanted->sha256 || wanted->md5; }

int32_t ra_wanted_check(const ra_wanted *wanted, const char *path, char *why) {
  char hex[RA_SHA256_HEX + 1];
  double have = 0;
  const char *digits = wanted->sha256 ? wanted->sha256 : wanted->md5;
  why[0] = 0;
  if (ra_path_kind(path, &have, NULL) != RA_PATH_FILE) return ra_fail(RA_ERR_IO, "'%s' is not a file", path);
  bool size_fits = wanted->bytes <= 0 || have == wanted->bytes;
  if (digits && size_fits) {
    RA_TRY(wanted->sha256 ? ra_sha256_file(path, hex) : ra_md5_file(path, hex));
    if (strcmp(hex, digits) == 0) return RA_OK;
  }
  if (!is_text(path)) RA_TRY(ra_stranger(path, why));
  if (*why) return RA_OK;
  if (!size_fits) snprintf(why, RA_TRANSFER_TEXT, "it has %.0f bytes, wanted %.0f", have, wanted->bytes);
  else if (digits) snprintf(why, RA_TRANSFER_TEXT, "its %s is %s, wanted %s", wanted->sha256 ? "sha256" : "md5", hex, digits);
  return RA_OK;
}
