// Ops that pick what was detected: how much that is, a run says.
include "ir/NN.td"

def NN_NonMaxSuppressionOp : NN_Op<"non_max_suppression"> {
  let summary = "the best boxes of each class of each image, without those that overlap a better one";
  let description = [{
    Greedy, as in Girshick et al. 2014: boxes come in order of their score, equal ones in order of their index, and a box is taken
    unless its intersection over union with one taken before exceeds `iou_threshold`; at most `max_output` per class, and none whose score
    is not above `score_threshold`. Boxes are [images, boxes, 4], corners y1, x1, y2, x2 of any diagonal, or with `center`
    x, y, width, height; scores are [images, classes, boxes]. Each row of `selected` is an image, a class and a box. `count` says
    how many rows there are; those behind hold 0.

    ```mlir
    %selected, %count = nn.non_max_suppression %boxes, %scores {max_output = 2 : i64, iou_threshold = 5.0e-1 : f32}
        : (tensor<1x4x4xf32>, tensor<1x2x4xf32>) -> (tensor<4x3xi64>, tensor<i64>)
    ```
  }];
  let arguments = (ins TensorOf<[F32]>:$boxes, TensorOf<[F32]>:$scores, I64Attr:$max_output,
                       DefaultValuedAttr<F32Attr, "0.0f">:$iou_threshold, OptionalAttr<F32Attr>:$score_threshold,
                       DefaultValuedAttr<BoolAttr, "false">:$center);
  let results = (outs TensorOf<[I64]>:$selected, TensorOf<[I64]>:$count);
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The most boxes that one class of one image can have; types are static.
    int64_t maxPerClass();
    /// Every box may be compared with every other.
    double comparisons();
    /// The number that a score must exceed.
    float minScore();
  }];
}
