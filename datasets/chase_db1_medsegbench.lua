--- CHASE_DB1 as MedSegBench offers it: 28 retinal photographs, resized, one observer.
return require("ramus.data.medsegbench").set {
  name = "chase_db1_medsegbench",
  title = "CHASE_DB1 in MedSegBench: 28 retinal photographs, resized",
  of = "chasedb1",
  md5 = { [128] = "55e391c5002493c77ceb912ef1070cbe", [256] = "d72833a2603872150a12b2763cfe454f", [512] = "7c94b4d937474a52605cc5c46a092660" },
  counts = { train = 19, val = 2, test = 7 },
  licence = "CC BY 4.0, as MedSegBench says of the original; not verified",
  citation = "M. M. Fraz, P. Remagnino, A. Hoppe, B. Uyyanonvara, A. R. Rudnicka, C. G. Owen, S. A. Barman: An Ensemble "
    .. "Classification-Based Approach Applied to Retinal Blood Vessel Segmentation. IEEE Transactions on Biomedical Engineering "
    .. "59(9):2538-2548, 2012. doi 10.1109/TBME.2012.2205687",
  sources = { "https://researchinnovation.kingston.ac.uk/en/datasets/chasedb1-retinal-vessel-reference-dataset-4" },
}
