--- DRIVE as MedSegBench offers it: 40 retinal photographs, resized, without fields of view.
return require("ramus.data.medsegbench").set {
  name = "drive_medsegbench",
  title = "DRIVE in MedSegBench: 40 retinal photographs, resized, without fields of view",
  of = "drive",
  md5 = { [128] = "39582fd6528bdd7b66ed92c6dd9f26aa", [256] = "56f96cf647df7ba48c56586c8d0d2cf8", [512] = "9182813e1f337e6207ce421847fb0b0b" },
  counts = { train = 18, val = 2, test = 20 },
  licence = "CC BY 4.0, as MedSegBench says of the original; not verified",
  citation = "J. Staal, M. D. Abramoff, M. Niemeijer, M. A. Viergever, B. van Ginneken: Ridge-based vessel segmentation in color images "
    .. "of the retina. IEEE Transactions on Medical Imaging 23(4):501-509, 2004. doi 10.1109/TMI.2004.825627",
  sources = { "https://drive.grand-challenge.org" },
}
