#!/usr/bin/env python3
"""Writes the models of this folder: each asks for what ONNX does not allow, or for what nobody means. expected.tsv says what
Sinter answers: the node (or input) and the cause. Needs the package onnx."""
import os

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

FOLDER = os.path.dirname(os.path.abspath(__file__))
KINDS = {np.dtype(np.float32): T.FLOAT, np.dtype(np.float64): T.DOUBLE, np.dtype(np.float16): T.FLOAT16, np.dtype(np.int64): T.INT64,
         np.dtype(np.uint8): T.UINT8, np.dtype(bool): T.BOOL}


def info(name, value):
    return h.make_tensor_value_info(name, KINDS[np.asarray(value).dtype], list(np.asarray(value).shape))


def put(name, nodes, ins=None, inits=None, out=T.FLOAT, opset=17, ml=None, extra=()):
    ins = {"x": x} if ins is None else ins
    graph = h.make_graph(nodes, "g", [info(k, v) for k, v in ins.items()], [h.make_tensor_value_info("y", out, None)],
                         [nh.from_array(np.asarray(v), k) for k, v in (inits or {}).items()])
    opsets = [h.make_opsetid("", opset), *([h.make_opsetid("ai.onnx.ml", ml)] if ml else []), *extra]
    onnx.save(h.make_model(graph, opset_imports=opsets, ir_version=8), f"{FOLDER}/{name}.onnx")


x = np.zeros((1, 4, 6, 6), np.float32)
f, i64 = np.float32, np.int64
o = np.ones(4, f)


def N(op, i, **k):
    return h.make_node(op, i, ["y"], name="bad", **k)


def bn(**c):
    return {**dict(g=o, b=o, m=o, v=o), **c}


put('bn_neg_var',[N('BatchNormalization',['x','g','b','m','v'])],inits=bn(v=f([1,-1,1,1])))
put('bn_zero_var_eps0',[N('BatchNormalization',['x','g','b','m','v'],epsilon=0.0)],inits=bn(v=f([1,0,1,1])))
put('bn_nan_gamma',[N('BatchNormalization',['x','g','b','m','v'])],inits=bn(g=f([1,np.nan,1,1])))
put('bn_inf_mean',[N('BatchNormalization',['x','g','b','m','v'])],inits=bn(m=f([1,np.inf,1,1])))
put('bn_neg_eps',[N('BatchNormalization',['x','g','b','m','v'],epsilon=-2.0)],inits=bn())
put('bn_wrong_size',[N('BatchNormalization',['x','g','b','m','v'])],inits=bn(v=np.ones(5,f)))
put('ln_neg_eps',[N('LayerNormalization',['x','g'],epsilon=-1.0)],inits=dict(g=np.ones(6,f)))
put('in_nan_scale',[N('InstanceNormalization',['x','g','b'])],inits=dict(g=f([np.nan,1,1,1]),b=o))
put('gn_groups',[N('GroupNormalization',['x','g','b'],num_groups=3)],inits=dict(g=o,b=o),opset=21)
put('clip_min_gt_max',[N('Clip',['x','a','c'])],inits=dict(a=f(5),c=f(1)))
put('clip_nan',[N('Clip',['x','a'])],inits=dict(a=f(np.nan)))
put('clip_vec',[N('Clip',['x','a'])],inits=dict(a=f([1,2])))
put('clip_type',[N('Clip',['x','a'])],inits=dict(a=np.float64(1)))
w=np.ones((4,4,3,3),f)
put('conv_zero_stride',[N('Conv',['x','w'],strides=[0,1])],inits=dict(w=w))
put('conv_zero_dil',[N('Conv',['x','w'],dilations=[0,1])],inits=dict(w=w))
put('conv_neg_pads',[N('Conv',['x','w'],pads=[-5,0,-5,0])],inits=dict(w=w))
put('conv_group',[N('Conv',['x','w'],group=3)],inits=dict(w=w))
put('conv_channels',[N('Conv',['x','w'])],inits=dict(w=np.ones((4,3,3,3),f)))
put('conv_kernel_too_big',[N('Conv',['x','w'])],inits=dict(w=np.ones((4,4,9,9),f)))
put('conv_bias',[N('Conv',['x','w','b'])],inits=dict(w=w,b=np.ones(5,f)))
put('conv_kernel_shape',[N('Conv',['x','w'],kernel_shape=[5,5])],inits=dict(w=w))
put('conv_type',[N('Conv',['x','w'])],inits=dict(w=w.astype(np.float16)))
put('conv_rank',[N('Conv',['x','w'])],inits=dict(w=np.ones((4,4,3),f)))
put('conv_autopad',[N('Conv',['x','w'],auto_pad='SAME')],inits=dict(w=w))
put('convt_outshape_small',[N('ConvTranspose',['x','w'],output_shape=[0,0])],inits=dict(w=w))
put('convt_outshape_neg',[N('ConvTranspose',['x','w'],output_shape=[-5,8])],inits=dict(w=w))
put('convt_outshape_rank',[N('ConvTranspose',['x','w'],output_shape=[8])],inits=dict(w=w))
put('convt_pads',[N('ConvTranspose',['x','w'],pads=[9,9,9,9])],inits=dict(w=w))
put('convt_outpad',[N('ConvTranspose',['x','w'],output_padding=[-1,0])],inits=dict(w=w))
put('pool_zero_stride',[N('MaxPool',['x'],kernel_shape=[2,2],strides=[0,0])])
put('pool_big',[N('AveragePool',['x'],kernel_shape=[9,9])])
put('pool_nokernel',[N('MaxPool',['x'])])
put('pool_rank',[N('MaxPool',['x'],kernel_shape=[2])])
put('gather_neg',[N('Gather',['x','i'],axis=1)],inits=dict(i=i64([-5])))
put('gather_axis',[N('Gather',['x','i'],axis=7)],inits=dict(i=i64([0])))
put('gather_float_idx',[N('Gather',['x','i'],axis=1)],inits=dict(i=f([0])))
put('gathere_oob',[N('GatherElements',['x','i'],axis=1)],inits=dict(i=np.full((1,4,6,6),4,i64)))
put('gathernd_oob',[N('GatherND',['x','i'])],inits=dict(i=i64([[0,4]])))
put('gathernd_tuple',[N('GatherND',['x','i'])],inits=dict(i=i64([[0,1,1,1,1]])))
put('scatternd_oob',[N('ScatterND',['x','i','u'])],inits=dict(i=i64([[0,9]]),u=np.zeros((1,6,6),f)))
put('scattere_oob',[N('ScatterElements',['x','i','u'],axis=3)],inits=dict(i=np.full((1,1,1,1),6,i64),u=np.zeros((1,1,1,1),f)))
put('scatternd_updates',[N('ScatterND',['x','i','u'])],inits=dict(i=i64([[0,1]]),u=np.zeros((2,6,6),f)))
put('slice_step0',[N('Slice',['x','s','e','a','t'])],inits=dict(s=i64([0]),e=i64([3]),a=i64([1]),t=i64([0])))
put('slice_axis',[N('Slice',['x','s','e','a'])],inits=dict(s=i64([0]),e=i64([3]),a=i64([4])))
put('slice_len',[N('Slice',['x','s','e'])],inits=dict(s=i64([0,1]),e=i64([3])))
put('reshape_no_fit',[N('Reshape',['x','s'])],inits=dict(s=i64([5,5])))
put('reshape_two_m1',[N('Reshape',['x','s'])],inits=dict(s=i64([-1,-1])))
put('reshape_m1_nofit',[N('Reshape',['x','s'])],inits=dict(s=i64([-1,5])))
put('reshape_neg',[N('Reshape',['x','s'])],inits=dict(s=i64([-2,5])))
put('concat_axis',[N('Concat',['x','x'],axis=4)])
put('concat_noaxis',[N('Concat',['x','x'])])
put('concat_dims',[N('Concat',['x','w'],axis=1)],inits=dict(w=np.ones((1,4,5,6),f)))
put('concat_type',[N('Concat',['x','w'],axis=1)],inits=dict(w=np.ones((1,4,6,6),np.float64)))
put('topk_k',[h.make_node('TopK',['x','k'],['y','i'],name='bad',axis=1)],inits=dict(k=i64([9])))
put('topk_neg',[h.make_node('TopK',['x','k'],['y','i'],name='bad',axis=1)],inits=dict(k=i64([-1])))
put('add_shapes',[N('Add',['x','w'])],inits=dict(w=np.ones(5,f)))
put('add_int',[N('Add',['x','w'])],inits=dict(w=np.ones(6,i64)))
put('where_cond',[N('Where',['x','x','x'])])
put('and_float',[N('And',['x','x'])],out=T.BOOL)
put('matmul_inner',[N('MatMul',['x','w'])],inits=dict(w=np.ones((5,3),f)))
put('gemm_inner',[N('Gemm',['z','w'])],ins={'z':np.ones((2,3),f)},inits=dict(w=np.ones((5,3),f)))
put('gemm_c',[N('Gemm',['z','w','c'])],ins={'z':np.ones((2,3),f)},inits=dict(w=np.ones((3,3),f),c=np.ones(5,f)))
put('gemm_rank',[N('Gemm',['x','x'])])
put('transpose_perm',[N('Transpose',['x'],perm=[0,1,1,2])])
put('transpose_rank',[N('Transpose',['x'],perm=[0,1])])
put('squeeze_not1',[N('Squeeze',['x','a'])],inits=dict(a=i64([1])))
put('squeeze_axis',[N('Squeeze',['x','a'])],inits=dict(a=i64([9])))
put('unsqueeze_dup',[N('Unsqueeze',['x','a'])],inits=dict(a=i64([0,0])))
put('flatten_axis',[N('Flatten',['x'],axis=9)])
put('expand_nofit',[N('Expand',['x','s'])],inits=dict(s=i64([1,5,6,6])))
put('tile_len',[N('Tile',['x','s'])],inits=dict(s=i64([1,2])))
put('tile_neg',[N('Tile',['x','s'])],inits=dict(s=i64([1,2,-1,1])))
put('pad_len',[N('Pad',['x','p'])],inits=dict(p=i64([1,1])))
put('pad_neg_all',[N('Pad',['x','p'])],inits=dict(p=i64([0,0,-4,0,0,0,-4,0])))
put('pad_mode',[N('Pad',['x','p'],mode='odd')],inits=dict(p=i64([0]*8)))
put('split_sum',[h.make_node('Split',['x','s'],['y','z'],name='bad',axis=1)],inits=dict(s=i64([1,2])))
put('split_uneven13',[h.make_node('Split',['x'],['y','z','u'],name='bad',axis=1)],opset=13)
put('reduce_axis',[N('ReduceMean',['x'],axes=[7])])
put('softmax_axis',[N('Softmax',['x'],axis=5)])
put('argmax_axis',[N('ArgMax',['x'],axis=5)],out=T.INT64)
put('d2s',[N('DepthToSpace',['x'],blocksize=3)])
put('s2d',[N('SpaceToDepth',['x'],blocksize=4)])
put('d2s_zero',[N('DepthToSpace',['x'],blocksize=0)])
put('q_nan_scale',[N('QuantizeLinear',['x','s','z'])],inits=dict(s=f(np.nan),z=np.uint8(0)),out=T.UINT8)
put('q_neg_scale',[N('QuantizeLinear',['x','s','z'])],inits=dict(s=f(-1),z=np.uint8(0)),out=T.UINT8)
put('q_scale_len',[N('QuantizeLinear',['x','s','z'],axis=1)],inits=dict(s=f([1,1,1]),z=np.uint8([0,0,0])),out=T.UINT8)
put('dq_zero_scale',[N('DequantizeLinear',['z','s'])],ins={'z':np.ones((2,3),np.uint8)},inits=dict(s=f(0)))
put('dq_axis',[N('DequantizeLinear',['z','s'],axis=5)],ins={'z':np.ones((2,3),np.uint8)},inits=dict(s=f([1,1,1])))
put('qlconv_zero',[N('QLinearConv',['z','s','a','w','s2','a','s','a'])],ins={'z':np.ones((1,1,3,3),np.uint8)},
    inits=dict(s=f(1),s2=f(0),a=np.uint8(0),w=np.ones((1,1,2,2),np.uint8)),out=T.UINT8)
put('qlmm_zero',[N('QLinearMatMul',['z','s','a','w','s','a','s2','a'])],ins={'z':np.ones((3,3),np.uint8)},
    inits=dict(s=f(1),s2=f(0),a=np.uint8(0),w=np.ones((3,3),np.uint8)),out=T.UINT8)
put('resize_neither',[N('Resize',['x'])],opset=19)
put('resize_neg_scale',[N('Resize',['x','','s'])],inits=dict(s=f([1,1,-2,1])),opset=19)
put('resize_nan_scale',[N('Resize',['x','','s'])],inits=dict(s=f([1,1,np.nan,1])),opset=19)
put('resize_len',[N('Resize',['x','','s'])],inits=dict(s=f([2,2])),opset=19)
put('resize_mode',[N('Resize',['x','','s'],mode='bad')],inits=dict(s=f([1,1,2,2])),opset=19)
put('onehot_depth',[N('OneHot',['z','d','v'])],ins={'z':i64([0,1])},inits=dict(d=i64([-3]),v=f([0,1])))
put('onehot_values',[N('OneHot',['z','d','v'])],ins={'z':i64([0,1])},inits=dict(d=i64([3]),v=f([0,1,2])))
put('range_zero',[N('Range',['a','b','c'])],ins={},inits=dict(a=i64(0),b=i64(5),c=i64(0)),out=T.INT64)
put('cos_neg',[N('ConstantOfShape',['s'])],ins={},inits=dict(s=i64([-3])))
put('cast_string',[N('Cast',['x'],to=8)],out=T.STRING)
put('cast_bad',[N('Cast',['x'],to=77)],out=T.FLOAT)
put('div_int0',[N('Div',['z','d'])],ins={'z':i64([4,5])},inits=dict(d=i64([0,2])),out=T.INT64)
put('mod_int0',[N('Mod',['z','d'])],ins={'z':i64([4,5])},inits=dict(d=i64(0)),out=T.INT64)
put('mod_float',[N('Mod',['x','d'])],inits=dict(d=f(2)))
put('unknown_attr',[N('Relu',['x'],foo=3)])
put('unknown_op',[N('Frobnicate',['x'])])
put('unknown_domain',[h.make_node('Foo',['x'],['y'],name='bad',domain='my.dom')],extra=[h.make_opsetid('my.dom',1)])
put('attr_type',[N('LeakyRelu',['x'],alpha=3)])
put('missing_input',[N('Add',['x'])])
put('extra_input',[N('Relu',['x','x'])])
put('undefined',[N('Add',['x','nope'])])
put('wrong_output_type',[N('Relu',['x'])],out=T.INT64)
put('opset0',[N('Relu',['x'])],opset=0)
put('prelu_slope',[N('PRelu',['x','s'])],inits=dict(s=np.ones(5,f)))
put('lrn_size',[N('LRN',['x'],size=0)])
put('lpnorm_p',[N('LpNormalization',['x'],p=3)])
put('einsum_bad',[N('Einsum',['x','x'],equation='ab,cd->ac')])
put('einsum_dims',[N('Einsum',['z','u'],equation='ab,bc->ac')],ins={'z':np.ones((2,3),f),'u':np.ones((4,5),f)})
put('cumsum_axis',[N('CumSum',['x','a'])],inits=dict(a=i64(9)))
put('trilu_rank',[N('Trilu',['z'])],ins={'z':f([1,2])})
put('grid_rank',[N('GridSample',['x','g'])],inits=dict(g=np.ones((1,2,2,3),f)))
put('att_heads',[h.make_node('Attention',['q','k','v'],['y'],name='bad',q_num_heads=3,kv_num_heads=2)],
    ins={k:np.ones((1,4,12),f) for k in 'qkv'},opset=23)
put('att_mask',[h.make_node('Attention',['q','k','v','m'],['y'],name='bad')],
    ins={k:np.ones((1,2,4,8),f) for k in 'qkv'},inits=dict(m=np.ones((3,5),bool)),opset=23)
put('lstm_w',[h.make_node('LSTM',['z','w','r'],['y'],name='bad',hidden_size=3)],
    ins={'z':np.ones((2,1,4),f)},inits=dict(w=np.ones((1,11,4),f),r=np.ones((1,12,3),f)))
put('if_cond',[h.make_node(
    'If',['x'],['y'],name='bad',
    then_branch=h.make_graph([h.make_node('Relu',['x'],['t'])],'t',[],[h.make_tensor_value_info('t',T.FLOAT,None)]),
    else_branch=h.make_graph([h.make_node('Neg',['x'],['t2'])],'t',[],[h.make_tensor_value_info('t2',T.FLOAT,None)]))])
put('scaler_len',[h.make_node('Scaler',['z'],['y'],name='bad',domain='ai.onnx.ml',offset=[1.,2.],scale=[1.,1.])],
    ins={'z':np.ones((2,3),f)},ml=1,opset=15)
put('tree_feature',[h.make_node(
    'TreeEnsembleRegressor',['z'],['y'],name='bad',domain='ai.onnx.ml',n_targets=1,
    nodes_falsenodeids=[2,0,0],nodes_featureids=[9,0,0],nodes_modes=['BRANCH_LEQ','LEAF','LEAF'],nodes_nodeids=[0,1,2],
    nodes_treeids=[0,0,0],nodes_truenodeids=[1,0,0],nodes_values=[1.,0.,0.],
    target_ids=[0,0],target_nodeids=[1,2],target_treeids=[0,0],target_weights=[1.,2.])],
    ins={'z':np.ones((2,3),f)},ml=3,opset=15)
