/* Confusion of label maps: count [K,K], rows the truth, columns the prediction. */
#include "../base/error.h"
#include "metric.h"

int32_t ra_metric_confusion(const ra_real *labels, const ra_real *truth, const ra_real *fov, int32_t n, int32_t classes, double *count) {
  for (int32_t i = 0; i < n; i++) {
    if (truth[i] < 0 || (fov && !(fov[i] >= (ra_real)0.5))) continue;
    if (!(truth[i] < (ra_real)classes && labels[i] >= 0 && labels[i] < (ra_real)classes))
      return ra_fail(RA_ERR_ARG, "confusion: pixel %d has the class %g and the label %g; there are classes 0 to %d", i, (double)truth[i],
                     (double)labels[i], classes - 1);
    count[(int32_t)truth[i] * classes + (int32_t)labels[i]]++;
  }
  return RA_OK;
}
