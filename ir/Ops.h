// All ops of the nn dialect, for passes that look at more than one family.
#pragma once

#include "ir/ops/Activation.h"
#include "ir/ops/Arithmetic.h"
#include "ir/ops/Constant.h"
#include "ir/ops/Convolution.h"
#include "ir/ops/Indexing.h"
#include "ir/ops/Kernel.h"
#include "ir/ops/Math.h"
#include "ir/ops/Matrix.h"
#include "ir/ops/Movement.h"
#include "ir/ops/Normalisation.h"
#include "ir/ops/Pool.h"
#include "ir/ops/Quantisation.h"
#include "ir/ops/Reduction.h"
#include "ir/ops/Resize.h"
#include "ir/ops/View.h"
