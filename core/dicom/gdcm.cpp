/* JPEG of 12 bits and lossless JPEG through GDCM. C++, so it is a shared object of its own (ramus_gdcm.so), which make builds where a
 * C++ compiler and libgdcm-dev are and core/library/dl.c opens at the first such file. */
#include <gdcmDataElement.h>
#include <gdcmJPEGCodec.h>
#include <gdcmSequenceOfFragments.h>
#include <gdcmTrace.h>

#include <cstdint>
#include <cstring>
#include <exception>

extern "C" {
#include "../library/gdcm.h"
}

static const gdcm::PhotometricInterpretation::PIType kinds[] = {gdcm::PhotometricInterpretation::MONOCHROME2, gdcm::PhotometricInterpretation::RGB,
                                                                gdcm::PhotometricInterpretation::YBR_FULL};

static bool decode(const ra_gdcm_image *image, void *out) {
  const unsigned int dims[2] = {(unsigned int)image->width, (unsigned int)image->height};
  gdcm::JPEGCodec codec;
  codec.SetNumberOfDimensions(2);
  codec.SetDimensions(dims);
  codec.SetPlanarConfiguration(0);
  codec.SetPhotometricInterpretation(kinds[image->kind]);
  unsigned short bits = (unsigned short)image->bits, allocated = bits <= 8 ? 8 : bits <= 12 ? 12 : 16; /* it chooses the decoder */
  codec.SetPixelFormat(gdcm::PixelFormat((unsigned short)image->samples, allocated, bits, (unsigned short)(bits - 1), 0));
  gdcm::Fragment fragment;
  fragment.SetByteValue((const char *)image->bytes, (uint32_t)image->size);
  gdcm::SmartPointer<gdcm::SequenceOfFragments> fragments = new gdcm::SequenceOfFragments;
  fragments->AddFragment(fragment);
  gdcm::DataElement packed(gdcm::Tag(0x7fe0, 0x0010)), unpacked;
  packed.SetVR(gdcm::VR::OB);
  packed.SetValue(*fragments);
  if (!codec.Decode(packed, unpacked)) return false;
  const gdcm::ByteValue *bytes = unpacked.GetByteValue();
  size_t wanted = (size_t)image->width * image->height * image->samples * (image->bits > 8 ? 2 : 1);
  if (!bytes || bytes->GetLength() < wanted) return false;
  std::memcpy(out, bytes->GetPointer(), wanted);
  return true;
}

extern "C" int32_t ra_gdcm_jpeg(const ra_gdcm_image *image, void *out) {
  gdcm::Trace::DebugOff();
  gdcm::Trace::WarningOff();
  gdcm::Trace::ErrorOff();
  try {
    return decode(image, out) ? 0 : 1;
  } catch (const std::exception &) {
    return 1;
  }
}
