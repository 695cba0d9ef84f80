--- CHUAC as MedSegBench offers it: 30 X-ray coronary angiograms, resized.
return require("ramus.data.medsegbench").set {
  name = "chuac_medsegbench",
  title = "CHUAC in MedSegBench: 30 X-ray coronary angiograms, resized",
  of = "chuac",
  md5 = { [128] = "8d3c9e695209c3268828b7e91dac8fed", [256] = "0d968dc7adf83f5f7348b88b807dbf14", [512] = "e5dffcc711859e3b67fc9cfefe4f1372" },
  counts = { train = 21, val = 3, test = 6 },
  licence = "CC BY 4.0, as MedSegBench says of the original; not verified",
  citation = "A. Carballal, F. J. Novoa, C. Fernandez-Lozano, M. Garcia-Guimaraes, G. Aldama-Lopez, R. Calvino-Santos, "
    .. "J. M. Vazquez-Rodriguez, A. Pazos: Automatic multiscale vascular image segmentation algorithm for coronary angiography. "
    .. "Biomedical Signal Processing and Control 46:1-9, 2018. doi 10.1016/j.bspc.2018.06.007",
  sources = { "https://figshare.com/s/4d24cf3d14bc901a94bf" },
}
