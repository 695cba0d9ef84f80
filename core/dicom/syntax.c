/* Transfer syntaxes: how the data set of a file is written and its pixels are packed (PS3.5, section 10 and annex A). */
#include <string.h>

#include "dicom.h"

static const ra_dicom_syntax known[] = {
  {"1.2.840.10008.1.2", "Implicit VR Little Endian", RA_DICOM_NATIVE, false, false},
  {"1.2.840.10008.1.2.1", "Explicit VR Little Endian", RA_DICOM_NATIVE, false, false},
  {"1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian", RA_DICOM_NATIVE, .deflated = true},
  {"1.2.840.10008.1.2.2", "Explicit VR Big Endian", RA_DICOM_NATIVE, .big = true},
  {"1.2.840.10008.1.2.5", "RLE Lossless", RA_DICOM_RLE, false, false},
  {"1.2.840.10008.1.2.4.50", "JPEG Baseline", RA_DICOM_JPEG, false, false},
  {"1.2.840.10008.1.2.4.51", "JPEG Extended", RA_DICOM_JPEG, false, false},
  {"1.2.840.10008.1.2.4.57", "JPEG Lossless", RA_DICOM_JPEG, false, false},
  {"1.2.840.10008.1.2.4.70", "JPEG Lossless, First-Order Prediction", RA_DICOM_JPEG, false, false},
  {"1.2.840.10008.1.2.4.80", "JPEG-LS Lossless", RA_DICOM_JPEG_LS, false, false},
  {"1.2.840.10008.1.2.4.81", "JPEG-LS Near-lossless", RA_DICOM_JPEG_LS, false, false},
  {"1.2.840.10008.1.2.4.90", "JPEG 2000 Lossless", RA_DICOM_JPEG_2000, false, false},
  {"1.2.840.10008.1.2.4.91", "JPEG 2000", RA_DICOM_JPEG_2000, false, false},
  {"1.2.840.10008.1.2.4.92", "JPEG 2000 Multi-component Lossless", RA_DICOM_OTHER, false, false},
  {"1.2.840.10008.1.2.4.93", "JPEG 2000 Multi-component", RA_DICOM_OTHER, false, false},
  {"1.2.840.10008.1.2.4.100", "MPEG-2 Main Profile / Main Level", RA_DICOM_OTHER, false, false},
  {"1.2.840.10008.1.2.4.101", "MPEG-2 Main Profile / High Level", RA_DICOM_OTHER, false, false},
  {"1.2.840.10008.1.2.4.102", "MPEG-4 AVC/H.264 High Profile", RA_DICOM_OTHER, false, false},
  {"1.2.840.10008.1.2.4.103", "MPEG-4 AVC/H.264 BD-compatible", RA_DICOM_OTHER, false, false},
  {"1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000 Lossless", RA_DICOM_OTHER, false, false},
  {"1.2.840.10008.1.2.4.203", "High-Throughput JPEG 2000", RA_DICOM_OTHER, false, false},
};

const ra_dicom_syntax *ra_dicom_syntax_of(ra_dicom_span uid) {
  size_t n = uid.size;
  while (n > 0 && (uid.at[n - 1] == 0 || uid.at[n - 1] == ' ')) n--;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strlen(known[i].uid) == n && memcmp(known[i].uid, uid.at, n) == 0) return &known[i];
  return NULL;
}
