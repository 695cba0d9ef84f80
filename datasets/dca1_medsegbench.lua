--- DCA1 as MedSegBench offers it: 134 X-ray coronary angiograms, resized.
return require("ramus.data.medsegbench").set {
  name = "dca1_medsegbench",
  title = "DCA1 in MedSegBench: 134 X-ray coronary angiograms, resized",
  of = "dca1",
  md5 = { [128] = "cf95012398d384bb82f53b84c8051df8", [256] = "1488e23fa62d49c6c275d634e78eac5b", [512] = "020059b0e1d0afb8b5d41d7c8e48cd78" },
  counts = { train = 93, val = 13, test = 28 },
  licence = "as dca1: offered for research, without a formal licence; citation is asked for",
  citation = "F. Cervantes-Sanchez, I. Cruz-Aceves, A. Hernandez-Aguirre, M. A. Hernandez-Gonzalez, S. E. Solorio-Meza: "
    .. "Automatic Segmentation of Coronary Arteries in X-ray Angiograms using Multiscale Analysis and Artificial Neural "
    .. "Networks. Applied Sciences 9(24):5507, 2019. doi 10.3390/app9245507",
  sources = { "http://personal.cimat.mx:8181/~ivan.cruz/DB_Angiograms.html" },
}
