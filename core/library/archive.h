/* libarchive, opened when it is first needed (dl.h). Its functions keep their names, which are macros here; before the
 * first call: RA_TRY(ra_archive_open()). */
#ifndef RA_DL_ARCHIVE_H
#define RA_DL_ARCHIVE_H

#include <archive.h>
#include <archive_entry.h>

#include "dl.h"

#define RA_ARCHIVE_CALLS(f) \
  f(archive_entry_filetype) f(archive_entry_free) f(archive_entry_hardlink) f(archive_entry_is_encrypted) \
  f(archive_entry_new) f(archive_entry_pathname) f(archive_entry_pathname_utf8) f(archive_entry_set_filetype) \
  f(archive_entry_set_mtime) f(archive_entry_set_pathname_utf8) f(archive_entry_set_perm) \
  f(archive_entry_set_size) f(archive_entry_symlink) f(archive_errno) f(archive_error_string) \
  f(archive_filter_bytes) f(archive_filter_count) f(archive_format) f(archive_read_data) f(archive_read_free) f(archive_read_new) \
  f(archive_read_next_header) f(archive_read_open_filename) f(archive_read_open_memory) \
  f(archive_read_support_filter_all) f(archive_read_support_format_raw) f(archive_read_support_format_tar) \
  f(archive_read_support_format_zip) f(archive_set_error) f(archive_write_close) f(archive_write_data) \
  f(archive_write_fail) f(archive_write_free) f(archive_write_header) f(archive_write_new) \
  f(archive_write_open) f(archive_write_set_bytes_in_last_block) f(archive_write_set_bytes_per_block) \
  f(archive_write_set_format_option) f(archive_write_set_format_zip)

extern struct ra_archive {
  RA_ARCHIVE_CALLS(RA_DL_MEMBER)
} ra_archive;

int32_t ra_archive_open(void);

#ifndef RA_DL_C /* dl.c itself needs the names */
#define archive_entry_filetype ra_archive.archive_entry_filetype
#define archive_entry_free ra_archive.archive_entry_free
#define archive_entry_hardlink ra_archive.archive_entry_hardlink
#define archive_entry_is_encrypted ra_archive.archive_entry_is_encrypted
#define archive_entry_new ra_archive.archive_entry_new
#define archive_entry_pathname ra_archive.archive_entry_pathname
#define archive_entry_pathname_utf8 ra_archive.archive_entry_pathname_utf8
#define archive_entry_set_filetype ra_archive.archive_entry_set_filetype
#define archive_entry_set_mtime ra_archive.archive_entry_set_mtime
#define archive_entry_set_pathname_utf8 ra_archive.archive_entry_set_pathname_utf8
#define archive_entry_set_perm ra_archive.archive_entry_set_perm
#define archive_entry_set_size ra_archive.archive_entry_set_size
#define archive_entry_symlink ra_archive.archive_entry_symlink
#define archive_errno ra_archive.archive_errno
#define archive_error_string ra_archive.archive_error_string
#define archive_filter_bytes ra_archive.archive_filter_bytes
#define archive_filter_count ra_archive.archive_filter_count
#define archive_format ra_archive.archive_format
#define archive_read_data ra_archive.archive_read_data
#define archive_read_free ra_archive.archive_read_free
#define archive_read_new ra_archive.archive_read_new
#define archive_read_next_header ra_archive.archive_read_next_header
#define archive_read_open_filename ra_archive.archive_read_open_filename
#define archive_read_open_memory ra_archive.archive_read_open_memory
#define archive_read_support_filter_all ra_archive.archive_read_support_filter_all
#define archive_read_support_format_raw ra_archive.archive_read_support_format_raw
#define archive_read_support_format_tar ra_archive.archive_read_support_format_tar
#define archive_read_support_format_zip ra_archive.archive_read_support_format_zip
#define archive_set_error ra_archive.archive_set_error
#define archive_write_close ra_archive.archive_write_close
#define archive_write_data ra_archive.archive_write_data
#define archive_write_fail ra_archive.archive_write_fail
#define archive_write_free ra_archive.archive_write_free
#define archive_write_header ra_archive.archive_write_header
#define archive_write_new ra_archive.archive_write_new
#define archive_write_open ra_archive.archive_write_open
#define archive_write_set_bytes_in_last_block ra_archive.archive_write_set_bytes_in_last_block
#define archive_write_set_bytes_per_block ra_archive.archive_write_set_bytes_per_block
#define archive_write_set_format_option ra_archive.archive_write_set_format_option
#define archive_write_set_format_zip ra_archive.archive_write_set_format_zip
#endif

#endif
